// A producer or consumer as a process of its own: node child.mjs <module> <function> <options> <command> <arguments>
// What it prints, one JSON value a line, is what it knows to be durable or has seen.
const [module, open, options, command, parameters] = process.argv.slice(2);
const log = await (await import(module))[open](JSON.parse(options));
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const commands = {
  /** Appends `<name>/<key>/<i>`; without a count until it is killed. Says `i` when it is acknowledged. */
  async produce({ topic, name, keys, batch, count = Number.POSITIVE_INFINITY }) {
    for (let i = 0; i < count; i += batch) {
      const records = Array.from({ length: Math.min(batch, count - i) }, (_, j) => {
        const key = keys[(i + j) % keys.length];
        return { key, value: Buffer.from(`${name}/${key}/${i + j}`) };
      });
      const bounds = new Uint32Array(records.length + 1);
      records.forEach(({ value }, j) => {
        bounds[j + 1] = bounds[j] + value.length;
      });
      const values = Buffer.concat(records.map(({ value }) => value));
      await log.append(topic, { count: records.length, values, bounds, keys: records.map(({ key }) => key) });
      say(i + records.length);
    }
  },

  /** Reads `count` records as they come. Says each as `[partition, offset, value]`. */
  async consume({ topic, count }) {
    const positions = (await log.topic(topic)).partitions.map(({ startOffset }) => startOffset);
    for (let seen = 0; seen < count; ) {
      await log.waitForRecords(topic, positions, { timeoutMs: 30_000 });
      for (const { partition, endOffset } of (await log.topic(topic)).partitions) {
        for await (const block of log.read(topic, { partition, from: positions[partition], to: endOffset })) {
          for (let i = 0; i < block.count; i++) {
            const value = Buffer.from(block.values.subarray(block.bounds[i], block.bounds[i + 1])).toString();
            say([partition, block.offsets[i], value]);
          }
          seen += block.count;
        }
        positions[partition] = endOffset;
      }
    }
  },
};

await commands[command](JSON.parse(parameters));
await log.close();

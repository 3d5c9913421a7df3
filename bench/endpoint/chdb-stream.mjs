// Streams a query's result in Native from chdb in this process. Prints the median milliseconds, and the mean CPU.
import { Session } from 'chdb';

const [folder, sql, streams] = process.argv.slice(2);
const session = new Session(folder);
for (let i = 0; i < 3; i++) await stream();
const before = process.cpuUsage();
const ms = [];
for (let i = 0; i < Number(streams); i++) ms.push(await stream());
const { user, system } = process.cpuUsage(before);
ms.sort((a, b) => a - b);
console.log(JSON.stringify({ ms: ms[ms.length >> 1], cpuMs: (user + system) / 1000 / ms.length }));
process.exit(0);

async function stream() {
  const startMs = performance.now();
  let bytes = 0;
  for await (const chunk of session.queryStream(sql, { format: 'Native' })) bytes += chunk.raw().length;
  if (bytes < 1_000_000) throw new Error(`only ${bytes} bytes came`);
  return performance.now() - startMs;
}

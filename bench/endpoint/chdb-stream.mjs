// Streams the results of queries in Native from chdb in this process, one after the other. Prints the median milliseconds,
// and the mean CPU. Before it counts it runs the first of them three times. A result of fewer bytes than are given is a
// failure.
import { Session } from 'chdb';

const [folder, bytesMin, list] = process.argv.slice(2);
const queries = JSON.parse(list);
const session = new Session(folder);
for (let i = 0; i < 3; i++) await stream(queries[0]);
const before = process.cpuUsage();
const ms = [];
for (const sql of queries) ms.push(await stream(sql));
const { user, system } = process.cpuUsage(before);
ms.sort((a, b) => a - b);
console.log(JSON.stringify({ ms: ms[ms.length >> 1], cpuMs: (user + system) / 1000 / ms.length }));
process.exit(0);

async function stream(sql) {
  const startMs = performance.now();
  let bytes = 0;
  for await (const chunk of session.queryStream(sql, { format: 'Native' })) bytes += chunk.raw().length;
  if (bytes < Number(bytesMin)) throw new Error(`only ${bytes} bytes came`);
  return performance.now() - startMs;
}

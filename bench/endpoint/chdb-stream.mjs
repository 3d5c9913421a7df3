// Streams a query's result in Native from chdb in this process, and prints the median milliseconds.
import { Session } from 'chdb';

const [folder, sql] = process.argv.slice(2);
const session = new Session(folder);
const ms = [];
for (let i = 0; i < 7; i++) {
  const startMs = performance.now();
  let bytes = 0;
  for await (const chunk of session.queryStream(sql, { format: 'Native' })) bytes += chunk.raw().length;
  if (bytes < 1_000_000) throw new Error(`only ${bytes} bytes came`);
  if (i > 0) ms.push(performance.now() - startMs);
}
console.log(ms.sort((a, b) => a - b)[ms.length >> 1]);
process.exit(0);

/** Makes what other benches measure, so that none of it is made while they do: `jiti bench/prepare.ts [events …]`. */
import { preparedLake, preparedLines } from './prepare/prepared.js';

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [1_000_000, 5_000_000, 20_000_000]) {
  // By hand, DuckDB is compared with up to 5 M.
  if (size <= 5_000_000) preparedLines(size);
  preparedLake(size);
}

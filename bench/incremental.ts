/**
 * Claim: adding 50,000 events, 1 % of them from the 30 days before, to 5 M costs bronze-to-silver and silver-to-gold
 * together less than a tenth of making both anew; to 20 M at most 1.3 times what it costs on 5 M.
 *
 * `jiti bench/incremental.ts [events=5000000,20000000] [rounds=5] [rebuilds=1]`
 *
 * The folders are prepared once, in `.cache/bench`: minutes for 5 M, a quarter of an hour for 20 M. `rebuilds` is how many
 * rounds also make everything anew, on the smallest size only.
 */
import { fileURLToPath } from 'node:url';
import { medianOf, publish, type Round, runRounds } from './lib/rounds.js';
import { preparedLake } from './prepare/prepared.js';

const sizes = (process.argv[2] ?? '5000000,20000000').split(',').map(Number);
const rounds = Number(process.argv[3] ?? 5);
const rebuilds = Number(process.argv[4] ?? 1);
const script = fileURLToPath(new URL('./incremental/step.ts', import.meta.url));
const [smallest] = sizes as [number];

const step = (mode: string, size: number) => ({
  name: `${mode} ${size}`,
  script,
  args: [preparedLake(size), mode],
});
const increments = sizes.map((size) => step('increment', size));
const raw: Round[] = [
  ...(await runRounds(increments, rounds)),
  ...(await runRounds([step('rebuild', smallest)], rebuilds)),
];

const [base, ...larger] = increments as [(typeof increments)[0]];
const figures = (name: string) => ({
  wallMs: Math.round(medianOf(raw, name, 'wallMs')),
  cpuMs: Math.round(medianOf(raw, name, 'cpuMs')),
});
const ratio = (of: string, to: string) => ({
  wall: medianOf(raw, of, 'wallMs') / medianOf(raw, to, 'wallMs'),
  cpu: medianOf(raw, of, 'cpuMs') / medianOf(raw, to, 'cpuMs'),
});
publish(
  `incremental-${sizes.join('-')}`,
  {
    ...Object.fromEntries(increments.map(({ name }) => [name, figures(name)])),
    ...(rebuilds > 0 && {
      [`rebuild ${smallest}`]: figures(`rebuild ${smallest}`),
      shareOfRebuild: ratio(base.name, `rebuild ${smallest}`),
    }),
    ...Object.fromEntries(larger.map(({ name }) => [`${name} to ${base.name}`, ratio(name, base.name)])),
  },
  raw,
);

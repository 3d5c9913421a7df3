/** `eventlake dev` until gold and the live tables have everything: `jiti bench/memory/dev.ts <data folder> <events>` */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventlake, output, stop } from './eventlake.js';

const [dataDir, events] = [process.argv[2]!, Number(process.argv[3])];
// As soon as there is something to do, instead of once a minute: nothing is to be waited for while memory is watched.
const dev = eventlake(
  dataDir,
  ...['dev', '--no-producer', '--no-live', '--port', '0'],
  ...['--set', 'bronzeToSilver.intervalMs=1000', '--set', 'silverToGold.intervalMs=1000'],
);
while (!(await caughtUp())) await sleep(3_000);
await stop(dev);

async function caughtUp(): Promise<boolean> {
  if (dev.exitCode !== null) throw new Error(`eventlake dev ended with ${dev.exitCode}`);
  const status = JSON.parse(await output(dataDir, 'status', '--json')) as {
    stages: { stage: string; lag: number; rows: number }[];
  };
  const landed = status.stages.find(({ stage }) => stage === 'raw-landing')?.rows ?? 0;
  return landed > 0.9 * events && status.stages.every(({ lag }) => lag === 0);
}

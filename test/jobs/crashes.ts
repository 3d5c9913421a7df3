import { Crash, type Lake, type LakeOptions, openLake } from './lake.js';

/**
 * Runs a scenario once undisturbed, and once more for each crash point that it passed (the last time, or every time), broken off there and begun
 * again with new jobs.
 * @param job Whose crash points.
 * @param scenario What happens, in steps that are repeated where they were broken off.
 * @param look What must be the same in the end.
 * @returns the names of the crash points.
 */
export async function atEveryCrashPoint<T>(
  job: string,
  options: LakeOptions,
  scenario: readonly ((lake: Lake) => Promise<unknown>)[],
  look: (lake: Lake) => Promise<T>,
  check: (seen: T, undisturbed: T, crashedAt: string) => void,
  everyTime = false,
): Promise<Set<string>> {
  const undisturbed = await run(options, scenario, look);
  const times = new Map<string, number>();
  for (const name of undisturbed.passed) times.set(name, (times.get(name) ?? 0) + 1);
  const names = [...times.keys()].filter((name) => name.startsWith(`${job}:`));
  for (const name of names) {
    for (let nth = everyTime ? 1 : times.get(name)!; nth <= times.get(name)!; nth++) {
      const broken = await run(options, scenario, look, { at: name, nth });
      if (!broken.crashed) throw new Error(`${name}:${nth} was not passed again`);
      check(broken.seen, undisturbed.seen, `${name}:${nth}`);
    }
  }
  return new Set(names);
}

async function run<T>(
  options: LakeOptions,
  scenario: readonly ((lake: Lake) => Promise<unknown>)[],
  look: (lake: Lake) => Promise<T>,
  crash: { at: string; nth: number } = { at: '', nth: 1 },
) {
  const lake = await openLake(options);
  try {
    Object.assign(lake.crash, crash);
    for (const step of scenario) {
      try {
        await step(lake);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        await step(lake);
      }
    }
    // The loop takes a crash of maintenance for a trouble and goes on: it has happened when it is not armed any more.
    return {
      seen: await look(lake),
      passed: [...lake.crash.passed],
      crashed: crash.at !== '' && lake.crash.at === '',
    };
  } finally {
    await lake.close();
  }
}

import { EventlakeError } from '../errors.js';
import type { JobContext } from './job.js';

export interface ProduceOptions {
  /** Events a second; 0: as fast as the log takes them. */
  ratePerSecond: number;
  /** Stop after so many; undefined: go on until stopped. */
  count?: number;
  /**
   * Makes the run repeatable, event times included: they begin at `startMs` and advance by the rate, whatever the clock
   * does. Without a seed the events are random and happen now.
   */
  seed?: number;
  startMs?: number;
  users: number;
  /** Shares of 0 to 1. */
  duplicates: number;
  malformed: number;
  late: number;
  outOfOrder: number;
}

export interface Produced {
  /** Records that are durable in the log. */
  count: number;
  bytes: number;
}

/** Where a repeatable run begins that names no start: long over, so that no event is ever from the future. */
const SEEDED_START_MS = Date.UTC(2025, 0, 1);

const BATCH_RECORDS_MAX = 2_000;
/** The next batch is made while this many are on their way to the disk; beyond it the producer waits. */
const APPENDS_IN_FLIGHT_MAX = 2;
const TICK_MS = 50;
/** A producer that the log held up makes good at most this much, instead of a burst without end. */
const CATCH_UP_MAX_MS = 1_000;
/** How fast event time advances in a repeatable run that has no rate. */
const SEEDED_RATE_PER_SECOND = 1_000;

/** The simulated producer. Ends on `count` or when `signal` aborts; every event that it reports is durable. */
export async function produce(
  context: Pick<JobContext, 'pipeline' | 'log' | 'now' | 'signal'>,
  options: ProduceOptions,
  onProgress: (produced: Produced) => void = () => {},
): Promise<Produced> {
  const { log, pipeline, signal } = context;
  if (!pipeline.simulate) {
    throw new EventlakeError(
      'invalid',
      'This pipeline brings no simulated producer',
      { job: 'producer' },
      'Real events come in with `eventlake ingest`.',
    );
  }
  const { topic } = pipeline.event;
  const clock = eventClock(context, options);
  const simulation = pipeline.simulate({ ...options, seed: clock.seed, startMs: clock.startMs });
  const pace = pacer(options.ratePerSecond);
  const done: Produced = { count: 0, bytes: 0 };
  const inFlight = new Set<Promise<void>>();
  let made = 0;
  while (!signal.aborted && made < (options.count ?? Number.POSITIVE_INFINITY)) {
    const wanted = Math.min(
      pace.due(made),
      (options.count ?? Number.POSITIVE_INFINITY) - made,
      BATCH_RECORDS_MAX,
    );
    if (wanted < 1) {
      await sleep(pace.untilNextMs(made), signal);
      continue;
    }
    const records = simulation.next(wanted, clock.untilMs(made + wanted));
    made += wanted;
    const append = log.append(topic, records).then(() => {
      done.count += records.count;
      done.bytes += records.values.byteLength;
      onProgress(done);
    });
    // Counted as handled here; a failure is thrown by the race or the final wait below.
    append.catch(() => {});
    inFlight.add(append);
    append.finally(() => inFlight.delete(append)).catch(() => {});
    if (inFlight.size >= APPENDS_IN_FLIGHT_MAX) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  return done;
}

/** Event time: the wall clock, or with a seed a clock that depends on nothing but the number of events. */
function eventClock(context: Pick<JobContext, 'now'>, options: ProduceOptions) {
  if (options.seed === undefined) {
    const startMs = options.startMs ?? context.now();
    let latestMs = startMs;
    return {
      seed: Math.floor(Math.random() * 2 ** 32),
      startMs,
      // A clock that steps back must not take the simulation back.
      untilMs: () => {
        latestMs = Math.max(latestMs, context.now());
        return latestMs;
      },
    };
  }
  const startMs = options.startMs ?? SEEDED_START_MS;
  const rate = options.ratePerSecond || SEEDED_RATE_PER_SECOND;
  return { seed: options.seed, startMs, untilMs: (made: number) => startMs + (made * 1000) / rate };
}

function pacer(ratePerSecond: number) {
  if (ratePerSecond === 0) return { due: () => BATCH_RECORDS_MAX, untilNextMs: () => 0 };
  let startedMs = performance.now();
  const owed = (made: number) => ((performance.now() - startedMs) * ratePerSecond) / 1000 - made;
  return {
    due(made: number): number {
      const tooManyMs = (owed(made) / ratePerSecond) * 1000 - CATCH_UP_MAX_MS;
      if (tooManyMs > 0) startedMs += tooManyMs;
      return Math.floor(owed(made) + 1e-9);
    },
    /** At least a tick, so that a high rate comes in batches; at a low one, until the next event is due. */
    untilNextMs: (made: number) => Math.max(TICK_MS, ((1 - owed(made)) / ratePerSecond) * 1000),
  };
}

function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, durationMs);
    signal.addEventListener('abort', wake);
  });
}

import type { Store } from '@eventlake/delta';
import type { Link } from '@opentelemetry/api';
import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { Engine, EngineSession } from '../engine/engine.js';
import type { Job, JobContext } from '../jobs/job.js';
import type { Serving } from '../serving/serving.js';
import { type BatchSpan, linkTo, type Tracing } from './tracing.js';

/** More batches than these are not linked to: a backlog of thousands is one batch. */
const LINKS_MAX = 32;

/** Whose batches a job's input is counted in. */
const UPSTREAM: Partial<Record<string, string>> = {
  'bronze-to-silver': 'raw-landing',
  'silver-to-gold': 'bronze-to-silver',
};

export interface TracedJob {
  context: JobContext;
  /** The job, each of its batches a trace. */
  trace(job: Job): Job;
}

/**
 * A batch as a trace: plan, read, compute, commit, insert and publish, by standing between the job and what it is handed.
 * The plan carries the trace's id, so that the batches made of its rows can link to it, and a replay to the first try.
 */
export function traceBatches(context: JobContext, tracing: Tracing): TracedJob {
  let batch: BatchSpan | undefined;
  let stage: string | undefined;
  const span = <T>(name: string, attributes: Record<string, string | number>, work: () => Promise<T>) =>
    batch === undefined ? work() : batch.step(name, attributes, work);
  const { store, engine, serving } = context;
  let served: Promise<Serving> | undefined;
  const traced: JobContext = {
    ...context,
    store: tracedStore(store, span, (plan, isNew) => describe(plan, isNew)),
    engine: tracedEngine(engine, span),
    serving: () => {
      served ??= serving().then((opened) => tracedServing(opened, span));
      return served;
    },
    traceparent: () => batch?.traceparent,
  };

  async function describe(plan: Plan<PlannedInput>, isNew: boolean): Promise<void> {
    // A job reads the plans of others, too, and its own again.
    if (batch === undefined || plan.job !== stage || (!isNew && plan.trace === batch.traceparent)) return;
    batch.describe({ 'eventlake.batch': plan.batch, 'eventlake.topic': plan.topic, ...inputOf(plan.input) });
    if (isNew) for (const link of await upstreamOf(store, plan)) batch.link(link);
    else if (plan.trace !== undefined) batch.link(linkTo(plan.trace, { 'eventlake.link': 'first try' }));
  }

  async function inSpan<T>(name: string, job: Job, work: () => Promise<T>, isWorth: (result: T) => boolean) {
    batch = tracing.batch(`${job.name} ${name}`, { 'eventlake.stage': job.name });
    try {
      const result = await work();
      batch.end(isWorth(result));
      return result;
    } catch (error) {
      batch.fail(error);
      throw error;
    } finally {
      batch = undefined;
    }
  }

  return {
    context: traced,
    trace(job) {
      stage = job.name;
      // Not a copy: a job may have more functions than these, such as its position.
      return Object.assign(Object.create(job) as Job, {
        recover: () =>
          inSpan(
            'recover',
            job,
            () => job.recover(),
            () => true,
          ),
        runBatch: () =>
          inSpan(
            'batch',
            job,
            () => job.runBatch(),
            (report) => report !== undefined,
          ),
      });
    },
  };
}

interface PlannedInput {
  ranges?: { partition: number; from: number; to: number }[];
  fromLogBatch?: number;
  toLogBatch?: number;
}

type InSpan = <T>(
  name: string,
  attributes: Record<string, string | number>,
  work: () => Promise<T>,
) => Promise<T>;

function inputOf({ ranges, fromLogBatch, toLogBatch }: PlannedInput): Record<string, string | number> {
  if (ranges !== undefined) {
    return {
      'eventlake.offsets': ranges.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(' '),
      'eventlake.records': ranges.reduce((total, { from, to }) => total + to - from, 0),
    };
  }
  if (toLogBatch === undefined) return {};
  return { 'eventlake.from_log_batch': fromLogBatch ?? 0, 'eventlake.to_log_batch': toLogBatch };
}

/** The batches that landed, or sorted, what this one is made of; the newest ones. */
async function upstreamOf(store: Store, { job, topic, input }: Plan<PlannedInput>): Promise<Link[]> {
  const upstream = UPSTREAM[job];
  const { fromLogBatch = 0, toLogBatch } = input;
  if (upstream === undefined || toLogBatch === undefined) return [];
  const plans = openPlanStore<PlannedInput>(store, upstream, topic);
  const newest = await plans.newest().catch(() => undefined);
  // raw-landing's batches are the log batches; the others name the last one that is theirs.
  const lastOf = (plan: Plan<PlannedInput>) => plan.input.toLogBatch ?? plan.batch;
  const links: Link[] = [];
  let plan = newest;
  for (let looked = 0; plan !== undefined && looked < 4 * LINKS_MAX && links.length < LINKS_MAX; looked++) {
    const last = lastOf(plan);
    if (last <= fromLogBatch) break;
    if (last <= toLogBatch && plan.trace !== undefined) {
      links.push(linkTo(plan.trace, { 'eventlake.stage': upstream, 'eventlake.batch': plan.batch }));
    }
    plan = plan.batch > 1 ? await plans.get(plan.batch - 1).catch(() => undefined) : undefined;
  }
  return links;
}

const PLAN = /^checkpoints\/[^/]+\/[^/]+\/\d{20}\.json$/;

function tracedStore(
  store: Store,
  span: InSpan,
  describe: (plan: Plan<PlannedInput>, isNew: boolean) => Promise<void>,
): Store {
  const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Plan<PlannedInput>;
  return delegating(store, {
    async get(path, range) {
      const bytes = await store.get(path, range);
      if (PLAN.test(path) && range === undefined) await describe(parse(bytes), false);
      return bytes;
    },
    async putIfAbsent(path, data) {
      if (!PLAN.test(path)) return store.putIfAbsent(path, data);
      await describe(parse(data), true);
      return span('plan', {}, () => store.putIfAbsent(path, data));
    },
  });
}

function tracedEngine(engine: Engine, span: InSpan): Engine {
  return delegating(engine, {
    open: async () => tracedSession(await engine.open(), span),
  });
}

function tracedSession(session: EngineSession, span: InSpan): EngineSession {
  return delegating(session, {
    readLog: (relation, event, ranges) =>
      span('read', { 'eventlake.from': event.topic }, () => session.readLog(relation, event, ranges)),
    readTable: (relation, table, options) =>
      span('read', { 'eventlake.table': table }, () => session.readTable(relation, table, options)),
    define: (relation, sql, options) =>
      span('compute', { 'eventlake.relation': relation }, () => session.define(relation, sql, options)),
    query: <Row extends object>(sql: string) => span('compute', {}, () => session.query<Row>(sql)),
    longs: (sql) => span('compute', {}, () => session.longs(sql)),
    prepare: (table, sql) => span('compute', { 'eventlake.table': table }, () => session.prepare(table, sql)),
    commit: (write, id, mode) =>
      span(
        'commit',
        { 'eventlake.table': write.table, 'eventlake.rows': write.rows, 'eventlake.mode': mode },
        () => session.commit(write, id, mode),
      ),
  });
}

function tracedServing(serving: Serving, span: InSpan): Serving {
  return delegating(serving, {
    insert: (table, rows, token) =>
      span('insert', { 'eventlake.table': table, 'eventlake.rows': rows.length }, () =>
        serving.insert(table, rows, token),
      ),
    publish: (table, rows) =>
      span('publish', { 'eventlake.table': table }, () => serving.publish(table, rows)),
  });
}

/** The object with some functions replaced. The others still run on the object itself, private fields included. */
function delegating<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      if (name in replaced) return replaced[name as keyof T];
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

import { EventlakeError } from '../../errors.js';
import type { OffsetRange } from '../../log/event-log.js';
import type { EventDefinition } from '../../schema/definition.js';
import { PreparedWrites } from '../delta/prepared-writes.js';
import type { Tables } from '../delta/tables.js';
import type { BatchId, EngineSession, PreparedWrite, WriteMode, WriteResult } from '../engine.js';
import { longsOf, rowsOf } from './arrow.js';
import type { SparkClient } from './connect/client.js';
import type { ConnectSession, Relation } from './connect/session.js';
import { wrapErrors } from './errors.js';
import { type KafkaOptions, kafkaRelation } from './kafka-source.js';
import type { ExecutePlanResponse } from './protocol/spark/connect/base_pb.js';
import { readLog } from './read-log.js';
import { type ReadLimits, tableRelation } from './read-table.js';
import { broadcastRelation, countedRelation, countOf, sqlRelation } from './relations.js';
import { writeFiles } from './write-files.js';

/** What the sessions of an engine share. */
export interface EngineParts {
  client: SparkClient;
  tables: Tables;
  /** How executors read the log; undefined where they cannot. */
  kafka: KafkaOptions | undefined;
  shufflePartitions: number | undefined;
  readLimits: ReadLimits;
}

/** What was computed and has no more rows is sent whole to where it is joined: some megabytes of places in the log, or of ids. */
const BROADCAST_ROWS_MAX = 200_000;

/** A session of Spark Connect: its views and what it holds computed go with it. */
export class SparkSession implements EngineSession {
  readonly #parts: EngineParts;
  readonly #session: ConnectSession;
  readonly #writes: PreparedWrites;

  constructor(parts: EngineParts, session: ConnectSession) {
    this.#parts = parts;
    this.#session = session;
    this.#writes = new PreparedWrites(parts.tables);
  }

  async readLog(relation: string, event: EventDefinition, ranges: readonly OffsetRange[]) {
    const { kafka } = this.#parts;
    if (!kafka) throw notKafka(event.topic);
    return wrapErrors({ topic: event.topic }, () =>
      readLog(
        {
          records: (topic, wanted) => kafkaRelation(kafka, topic, wanted),
          view: (name, input) => this.#view(name, input),
          computed: (input) => this.#computed(input),
          rows: (input) => this.#session.rows(input),
        },
        relation,
        event,
        ranges,
      ),
    );
  }

  async readTable(
    relation: string,
    table: string,
    options: Parameters<EngineSession['readTable']>[2] = {},
  ): Promise<{ version: number }> {
    return wrapErrors({ table }, async () => {
      const { version, ...wanted } = options;
      const { tables, readLimits } = this.#parts;
      const read = { ...(await tables.read(table, version)), ...wanted };
      await this.#view(relation, tableRelation(tables.store, read, readLimits));
      return { version: read.snapshot.version };
    });
  }

  async define(relation: string, sql: string, options: { materialize?: boolean } = {}): Promise<void> {
    const input = sqlRelation(sql);
    await this.#view(relation, options.materialize ? await this.#materialized(input) : input);
  }

  async query<Row extends object>(sql: string): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const block of this.#session.rows(sqlRelation(sql))) rows.push(...(rowsOf(block) as Row[]));
    return rows;
  }

  async longs(sql: string): Promise<BigInt64Array> {
    const blocks: BigInt64Array[] = [];
    for await (const block of this.#session.rows(sqlRelation(sql))) blocks.push(...longsOf(block));
    const values = new BigInt64Array(blocks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const block of blocks) {
      values.set(block, at);
      at += block.length;
    }
    return values;
  }

  async prepare(table: string, sql: string): Promise<PreparedWrite> {
    const { store } = this.#parts.tables;
    return wrapErrors({ table }, () =>
      this.#writes.prepare(table, (target) =>
        writeFiles(this.#session, store, { ...target, input: sqlRelation(sql) }),
      ),
    );
  }

  async commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult> {
    return wrapErrors({ table: write.table, batch: batch.version }, () =>
      this.#writes.commit(write, batch, mode),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
    await this.#writes.close();
  }

  /** Analyzed now: what its names mean stays, whatever is named so later. */
  async #view(name: string, input: Relation): Promise<void> {
    await this.#session.run({
      commandType: { case: 'createDataframeView', value: { input, name, isGlobal: false, replace: true } },
    });
  }

  /**
   * Spark takes what was computed for as large as what it was computed from, and would shuffle both sides of a join with a
   * few rows of it. So they are counted on the way.
   */
  async #materialized(input: Relation): Promise<Relation> {
    const { relation, answers } = await this.#checkpoint(countedRelation(input));
    const rows = countOf(answers);
    return rows !== undefined && rows <= BROADCAST_ROWS_MAX ? broadcastRelation(relation) : relation;
  }

  /** Computed once, and kept on the executors until the session ends; where one of them is lost, so is the batch's attempt. */
  async #computed(relation: Relation): Promise<Relation> {
    return (await this.#checkpoint(relation)).relation;
  }

  async #checkpoint(input: Relation): Promise<{ relation: Relation; answers: ExecutePlanResponse[] }> {
    const answers = await this.#session.run({
      commandType: { case: 'checkpointCommand', value: { relation: input, local: true, eager: true } },
    });
    for (const { responseType } of answers) {
      if (responseType.case !== 'checkpointCommandResult') continue;
      const { relationId } = responseType.value.relation!;
      return { relation: { relType: { case: 'cachedRemoteRelation', value: { relationId } } }, answers };
    }
    throw new EventlakeError('internal', 'Spark did not name what it has computed');
  }
}

function notKafka(topic: string): EventlakeError {
  return new EventlakeError(
    'invalid',
    'Spark reads topics of Kafka only, and the log is in the data folder',
    { topic },
    'Set log.kafka.brokers, or set engine.raw-landing and engine.fast-agg to duckdb.',
  );
}

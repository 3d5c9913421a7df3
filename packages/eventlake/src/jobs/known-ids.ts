import type { Predicate, Store } from '@eventlake/delta';
import type { EngineSession } from '../engine/engine.js';
import type { PipelineDefinition } from '../schema/definition.js';
import { silverTables } from '../schema/tables.js';
import { batchesOfRows } from './batch-bounds.js';
import { buildIdSet, decodeIdSet, encodeIdSet, holdsAny, sortHashes } from './id-index.js';
import { withinBatches } from './predicates.js';
import { ReusedBuffer } from './reused-buffer.js';
import { idHashSql } from './silver-rows.js';

/**
 * Finds the ids that silver has already, without reading every id that ever was: an id set for each range of landed
 * batches tells which ranges may hold one, and only those ranges' ids are read, and what has no set yet.
 *
 * Sets are derived data: `indexes/silver/<name>/<id>/<epoch>/<from>-<to>.ids` holds the rows with
 * `from < log_batch <= to`. A missing, damaged or foreign one costs time, never a duplicate.
 */
export interface KnownIds {
  /** Names as `known` the ids of a relation of typed events that silver has in batches up to `upTo`. */
  define(session: EngineSession, relation: string, position: SilverPosition): Promise<void>;
  /** Makes the sets that are worth it. Safe to repeat. */
  index(session: EngineSession, position: SilverPosition): Promise<void>;
}

export interface SilverPosition {
  /** The newest landed batch that silver has. */
  upTo: number;
  /** The job's batch that last wrote all of silver anew, 0 for none: sets of before may hold other ids. */
  epoch: number;
}

interface Range {
  /** Exclusive. */
  from: number;
  /** Inclusive. */
  to: number;
}

export interface IdSetSizes {
  /** Fewer ids than this are read faster than they are indexed. */
  min: number;
  /** More go into several sets. */
  max: number;
}

const ID_SET_SIZES: IdSetSizes = { min: 500_000, max: 2_000_000 };
const BATCH_DIGITS = 20;

export function knownIds(store: Store, pipeline: PipelineDefinition, sizes = ID_SET_SIZES): KnownIds {
  const { event } = pipeline;
  const silver = silverTables(event).events.name;
  const root = `indexes/${silver.replace('.', '/')}/${event.id}/`;
  const folderOf = (epoch: number) => `${root}${pad(epoch)}/`;

  async function indexed({ upTo, epoch }: SilverPosition): Promise<Range[]> {
    const ranges: Range[] = [];
    for await (const { path } of store.list(folderOf(epoch))) {
      const match = /\/(\d+)-(\d+)\.ids$/.exec(path);
      const range = match && { from: Number(match[1]), to: Number(match[2]) };
      // Two instances may have cut differently: of what overlaps, the first is enough.
      if (range && range.to <= upTo && range.from >= (ranges.at(-1)?.to ?? 0)) ranges.push(range);
    }
    return ranges;
  }

  const pathOf = (epoch: number, { from, to }: Range) => `${folderOf(epoch)}${pad(from)}-${pad(to)}.ids`;

  async function define(session: EngineSession, relation: string, position: SilverPosition): Promise<void> {
    const sets = await indexed(position);
    const unread = gaps(sets, position.upTo);
    if (sets.length > 0) {
      const guard = await guardOf(session);
      const hashes = sortHashes(await session.longs(`SELECT ${idHashSql(pipeline)} FROM ${relation}`));
      const buffer = new ReusedBuffer(store);
      for (const range of sets) {
        const path = pathOf(position.epoch, range);
        const set = decodeIdSet(await buffer.read(path), guard);
        if (!set) await store.delete(path);
        if (!set || holdsAny(set, hashes)) unread.push(range);
      }
    }
    if (unread.length === 0) {
      return session.define('known', `SELECT ${event.id} FROM ${relation} WHERE FALSE`);
    }
    const where = within(unread);
    await session.readTable('silver_ids', silver, { where, columns: [event.id, 'log_batch'] });
    await session.define(
      'known',
      `SELECT ${event.id} FROM silver_ids WHERE ${event.id} IN (SELECT ${event.id} FROM ${relation})`,
      { materialize: true },
    );
  }

  async function index(session: EngineSession, position: SilverPosition): Promise<void> {
    await removeOtherEpochs(position.epoch);
    const guard = await guardOf(session);
    for (const gap of gaps(await indexed(position), position.upTo)) {
      let from = gap.from;
      while (from < gap.to) {
        const columns = [event.id, 'log_batch'];
        await session.readTable('unindexed', silver, { where: within([{ from, to: gap.to }]), columns });
        const next = await batchesOfRows(session, 'unindexed', sizes.max);
        if (!next || next.rows < sizes.min) break;
        const to = next.more ? next.upTo : gap.to;
        const hashes = await session.longs(
          `SELECT ${idHashSql(pipeline)} FROM unindexed WHERE log_batch <= ${to}`,
        );
        await store.put(pathOf(position.epoch, { from, to }), encodeIdSet(buildIdSet(hashes), guard));
        from = to;
      }
    }
  }

  async function removeOtherEpochs(epoch: number): Promise<void> {
    for await (const { path } of store.list(root)) {
      if (!path.startsWith(folderOf(epoch))) await store.delete(path);
    }
  }

  return { define, index };
}

/** Another engine, or another version of it, hashes this text to another number. */
async function guardOf(session: EngineSession): Promise<bigint> {
  return (await session.longs(`SELECT id_hash('eventlake')`))[0]!;
}

/** What of (0, upTo] the sorted ranges leave out. */
function gaps(ranges: readonly Range[], upTo: number): Range[] {
  const all = [{ from: 0, to: 0 }, ...ranges, { from: upTo, to: upTo }];
  return all
    .slice(1)
    .map((range, i) => ({ from: all[i]!.to, to: range.from }))
    .filter(({ from, to }) => from < to);
}

function within(ranges: readonly Range[]): Predicate {
  return { or: ranges.map(({ from, to }) => withinBatches(from, to)) };
}

function pad(batch: number): string {
  return String(batch).padStart(BATCH_DIGITS, '0');
}

import fc from 'fast-check';
import { expect } from 'vitest';
import {
  type AddFile,
  type Change,
  type CommitResult,
  createTable,
  openTable,
  overwrite,
  type Snapshot,
  type Store,
  type StructType,
  type Table,
} from '../../src/index.js';

/**
 * Several writers on one table, each with a snapshot that is as old as its last look. A model in a few lines says what
 * each commit must come to, and what every version then holds.
 */
const SCHEMA: StructType = {
  type: 'struct',
  fields: ['n', 'p'].map((name) => ({ name, type: 'long', nullable: true, metadata: {} })),
};

interface ModelCommit {
  added: ModelFile[];
  removed: ModelFile[];
  dataChange: boolean;
  metadata: boolean;
}
interface ModelFile {
  path: string;
  p: number;
  rows: number;
}
interface ModelVersion {
  files: Map<string, ModelFile>;
  txns: Map<string, number>;
}

class Model {
  commits: ModelCommit[] = [{ added: [], removed: [], dataChange: false, metadata: true }];
  versions: ModelVersion[] = [{ files: new Map(), txns: new Map() }];
  /** Commits before this one are gone. */
  cleanedBefore = 0;
  checkpointed = -1;

  get newest(): ModelVersion {
    return this.versions.at(-1)!;
  }

  land(commit: Partial<ModelCommit>, txn?: [app: string, version: number]): void {
    const full = { added: [], removed: [], dataChange: true, metadata: false, ...commit };
    const files = new Map(this.newest.files);
    for (const { path } of full.removed) files.delete(path);
    for (const file of full.added) files.set(file.path, file);
    const txns = new Map(this.newest.txns);
    if (txn) txns.set(...txn);
    this.commits.push(full);
    this.versions.push({ files, txns });
  }

  /** Whether a change computed from `readVersion` no longer holds: by what it removes, and by what it read. */
  conflicts(readVersion: number, removes: ModelFile[], reads: (file: ModelFile) => boolean): boolean {
    const since = this.commits.slice(readVersion + 1);
    if (since.length > 0 && readVersion + 1 < this.cleanedBefore) return true;
    return since.some(
      ({ added, removed, dataChange, metadata }) =>
        metadata ||
        removed.some((file) => removes.some(({ path }) => path === file.path)) ||
        (dataChange && [...added, ...removed].some(reads)),
    );
  }
}

export type Op =
  | { kind: 'look' | 'reopen' | 'overwrite' | 'set-property' | 'checkpoint' | 'clean'; writer: number }
  | { kind: 'append'; writer: number; p: number; count: number }
  | { kind: 'txn'; writer: number; version: number; expects: boolean }
  | { kind: 'delete' | 'compact'; writer: number; p: number };

const writer = fc.nat(2);
const p = fc.nat(1);
/** One thing that one of the writers does. */
export const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('look' as const), writer }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      writer,
      p,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('txn' as const),
      writer,
      version: fc.nat(6),
      expects: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'compact' as const), writer, p }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'reopen' as const,
        'overwrite' as const,
        'set-property' as const,
        'checkpoint' as const,
        'clean' as const,
      ),
      writer,
    }),
  },
);

export class World {
  private readonly model = new Model();
  private names = 0;

  private constructor(
    private readonly store: Store,
    private readonly tables: Table[],
    private readonly snapshots: Snapshot[],
  ) {}

  /** A new table `t` in the store, and three writers. */
  static async open(store: Store): Promise<World> {
    const properties = {
      'delta.checkpointInterval': '1000',
      'delta.logRetentionDuration': 'interval 0 days',
    };
    const first = await createTable(store, 't', { schema: SCHEMA, partitionBy: ['p'], properties }, OPTIONS);
    const tables = [first, await openTable(store, 't', OPTIONS), await openTable(store, 't', OPTIONS)];
    return new World(store, tables, await Promise.all(tables.map((table) => table.snapshot())));
  }

  async run(step: Op): Promise<void> {
    const { model } = this;
    const table = this.tables[step.writer]!;
    const seen = this.snapshots[step.writer]!;
    const before = [...model.versions[seen.version]!.files.values()];
    switch (step.kind) {
      case 'look':
        this.snapshots[step.writer] = await table.snapshot();
        return;
      case 'reopen':
        this.tables[step.writer] = await openTable(this.store, 't', OPTIONS);
        return;
      case 'checkpoint':
        model.checkpointed = (await table.checkpoint()).version;
        expect(model.checkpointed).toBe(model.versions.length - 1);
        return;
      case 'clean':
        await table.cleanLog();
        model.cleanedBefore = Math.max(model.cleanedBefore, model.checkpointed);
        return;
      case 'set-property':
        await table.setProperties({ x: String(this.names++) });
        model.land({ dataChange: false, metadata: true });
        return;
      case 'append': {
        const added = Array.from({ length: step.count }, () => this.newFile(step.p, 10));
        await this.expectCommit(table, { operation: 'WRITE', add: added.map(addOf) }, 'committed');
        model.land({ added });
        return;
      }
      case 'txn': {
        const has = model.newest.txns.get('app');
        const expected = step.expects ? { expected: step.version === 0 ? null : step.version - 1 } : {};
        const added = [this.newFile(0, 10)];
        const txn = { appId: 'app', version: step.version, ...expected };
        const isWrong = step.expects && (has ?? null) !== expected.expected;
        const outcome =
          has !== undefined && has >= step.version ? 'already-committed' : isWrong ? 'conflict' : 'committed';
        await this.expectCommit(table, { operation: 'WRITE', add: added.map(addOf), txn }, outcome);
        if (outcome === 'committed') model.land({ added }, ['app', step.version]);
        return;
      }
      case 'delete': {
        const removed = before.filter((file) => file.p === step.p).slice(0, 1);
        if (removed.length === 0) return;
        const conflicts = model.conflicts(seen.version, removed, (file) => file.p === step.p);
        const read = { column: 'p', op: '=', value: step.p } as const;
        const change = { operation: 'DELETE', readVersion: seen.version, remove: removed.map(addOf), read };
        await this.expectCommit(table, change, conflicts ? 'conflict' : 'committed');
        if (!conflicts) model.land({ removed });
        return;
      }
      case 'compact': {
        const removed = before.filter((file) => file.p === step.p);
        if (removed.length === 0) return;
        const added = [
          this.newFile(
            step.p,
            removed.reduce((total, { rows }) => total + rows, 0),
          ),
        ];
        const conflicts = model.conflicts(seen.version, removed, () => false);
        const change = {
          operation: 'OPTIMIZE',
          readVersion: seen.version,
          remove: removed.map(addOf),
          add: added.map(addOf),
          rearrangesOnly: true,
        };
        await this.expectCommit(table, change, conflicts ? 'conflict' : 'committed');
        if (!conflicts) model.land({ removed, added, dataChange: false });
        return;
      }
      case 'overwrite': {
        const added = [this.newFile(0, 10)];
        const conflicts = model.conflicts(seen.version, before, () => true);
        await this.expectCommit(
          table,
          overwrite(seen, added.map(addOf)),
          conflicts ? 'conflict' : 'committed',
        );
        if (!conflicts) model.land({ removed: before, added });
      }
    }
  }

  /** Everybody sees the newest version, and every version that is still there is what it was. */
  async check(): Promise<void> {
    const newest = this.model.versions.length - 1;
    for (const table of [...this.tables, await openTable(this.store, 't')]) {
      const snapshot = await table.snapshot();
      expect(snapshot.version).toBe(newest);
      expectSame(snapshot, this.model.newest);
    }
    for (let version = this.model.cleanedBefore; version <= newest; version++) {
      expectSame(await this.tables[0]!.snapshot({ version }), this.model.versions[version]!);
    }
  }

  /** What every reader of the table must see. */
  get newest(): { version: number; paths: string[]; position: number | undefined } {
    const { files, txns } = this.model.newest;
    return {
      version: this.model.versions.length - 1,
      paths: [...files.keys()].sort(),
      position: txns.get('app'),
    };
  }

  private newFile(partition: number, rows: number): ModelFile {
    return { path: `f${this.names++}`, p: partition, rows };
  }

  private async expectCommit(table: Table, change: Change, status: CommitResult['status']): Promise<void> {
    const result = await table.commit(change);
    expect(result.status).toBe(status);
    if (result.status === 'committed') expect(result.version).toBe(this.model.versions.length);
  }
}

/** Ahead of the store's clock, so that every commit is old enough to be cleaned away. */
const OPTIONS = { nowMs: () => Date.now() + 3_600_000 };

function addOf({ path, p: partition, rows }: ModelFile): AddFile {
  const stats = JSON.stringify({ numRecords: rows });
  return {
    path,
    partitionValues: { p: String(partition) },
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats,
  };
}

function expectSame(snapshot: Snapshot, { files, txns }: ModelVersion): void {
  expect(
    snapshot
      .files()
      .map(({ path }) => path)
      .sort(),
  ).toEqual([...files.keys()].sort());
  expect(snapshot.recordCount).toBe([...files.values()].reduce((total, { rows }) => total + rows, 0));
  expect(snapshot.fileCount).toBe(files.size);
  expect(snapshot.sizeBytes).toBe(files.size);
  expect(snapshot.txn('app')).toBe(txns.get('app'));
}

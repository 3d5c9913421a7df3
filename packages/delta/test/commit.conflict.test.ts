import { beforeEach, describe, expect, it } from 'vitest';
import { type Change, createTable, memoryStore, openTable, type Table } from '../src/index.js';
import { DAYS, file } from './support/tables.js';

const on = (path: string, day: string, n?: [number, number]) =>
  file(path, { partitionValues: { day }, ...(n && { n }) });
const A = on('a', '2026-01-01', [1, 10]);
const B = on('b', '2026-01-02', [11, 20]);
const NEW = on('new', '2026-01-03', [21, 30]);

/** Version 1 has A and B; `winner` lands while `late` is being computed from version 1. */
describe('of two commits on the same version', () => {
  let winner: Table;
  let late: Table;
  beforeEach(async () => {
    const store = memoryStore();
    const properties = { 'delta.feature.domainMetadata': 'supported' };
    winner = await createTable(store, 't', { schema: DAYS, partitionBy: ['day'], properties });
    await winner.commit({ operation: 'WRITE', add: [A, B] });
    late = await openTable(store, 't');
  });

  const outcome = async (won: Change, change: Change): Promise<string> => {
    expect((await winner.commit(won)).status).toBe('committed');
    return (await late.commit(change)).status;
  };
  const append: Change = { operation: 'WRITE', add: [NEW] };
  const deleteA: Change = {
    operation: 'DELETE',
    readVersion: 1,
    remove: [A],
    read: { column: 'day', op: '=', value: '2026-01-01' },
  };
  const compact: Change = {
    operation: 'OPTIMIZE',
    readVersion: 1,
    remove: [A],
    add: [on('a2', '2026-01-01', [1, 10])],
    rearrangesOnly: true,
  };

  it.each<[string, Change, Change, string]>([
    [
      'a blind append follows an append',
      append,
      { operation: 'WRITE', add: [on('x', '2026-01-01')] },
      'committed',
    ],
    ['a blind append follows a delete', deleteA, append, 'committed'],
    ['a compaction never loses to an append', append, compact, 'committed'],
    ['a compaction loses to a delete of its file', deleteA, compact, 'conflict'],
    ['a compaction follows a delete of another file', deleteA, { ...compact, remove: [B] }, 'committed'],
    ['a delete loses to a delete of the same file', deleteA, deleteA, 'conflict'],
    ['a delete loses to a compaction of its file', compact, deleteA, 'conflict'],
    ['a delete follows an append that it would not have read', append, deleteA, 'committed'],
    [
      'a delete loses to an append that it would have read',
      { operation: 'WRITE', add: [on('x', '2026-01-01')] },
      deleteA,
      'conflict',
    ],
    [
      'what read everything loses to an append',
      append,
      { operation: 'MERGE', readVersion: 1, remove: [A] },
      'conflict',
    ],
    [
      'what read everything follows a compaction of files that it does not remove',
      compact,
      { operation: 'MERGE', readVersion: 1, remove: [B], add: [NEW] },
      'committed',
    ],
    [
      'what read a file loses to its removal',
      deleteA,
      { operation: 'WRITE', readVersion: 1, add: [NEW], read: { column: 'n', op: '<', value: 5 } },
      'conflict',
    ],
    [
      'what read another file follows',
      deleteA,
      { operation: 'WRITE', readVersion: 1, add: [NEW], read: { column: 'n', op: '>', value: 15 } },
      'committed',
    ],
  ])('%s', async (_, won, change, expected) => {
    expect(await outcome(won, change)).toBe(expected);
  });

  it('a change loses to new metadata', async () => {
    const { metadata } = await winner.snapshot();
    const won: Change = {
      operation: 'SET TBLPROPERTIES',
      readVersion: 1,
      read: 'none',
      metadata: { ...metadata, configuration: { x: 'y' } },
    };
    expect(await outcome(won, { ...append, readVersion: 1, read: 'none' })).toBe('conflict');
  });

  it('a domain is changed by one of them', async () => {
    const domain = { domain: 'd', configuration: '{}', removed: false };
    const change: Change = { operation: 'X', domains: [domain], readVersion: 1, read: 'none' };
    expect(await outcome(change, change)).toBe('conflict');
    expect((await late.snapshot()).domains.get('d')).toEqual(domain);
  });

  it('a rebased commit lands after the winner with all of both', async () => {
    expect(await outcome(append, { operation: 'WRITE', add: [on('x', '2026-01-01')] })).toBe('committed');
    expect((await late.snapshot()).files().map(({ path }) => path)).toEqual(['a', 'b', 'new', 'x']);
  });
});

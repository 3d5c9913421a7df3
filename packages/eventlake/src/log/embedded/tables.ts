import type { Database, RootDatabase } from 'lmdb';
import { EventlakeError } from '../../errors.js';

/** A topic as it is stored, by name. */
export interface TopicRecord {
  topicId: string;
  /** Prefix of its keys. Never given twice, so that what remains of a deleted topic is nobody's. */
  number: number;
  partitions: number;
  retentionHours?: number;
  retentionBytesMax?: number;
}

export interface Tables {
  topics: Database<TopicRecord, string>;
  /** By topic number: see ends.ts. */
  ends: Database<Buffer, number>;
  /** By topic number, partition, offset of the first record: see keys.ts and block.ts. */
  blocks: Database<Buffer, Buffer>;
  /** By topic number and consumer. */
  positions: Database<number[], [number, string]>;
  /** By topic number and source. */
  sources: Database<number, [number, string]>;
  meta: Database<number, string | [string, number]>;
}

const FORMAT = 1;

export function openTables(root: RootDatabase, dir: string): Tables {
  const meta = root.openDB<number, string | [string, number]>('meta', { encoding: 'json' });
  const format = meta.get('format');
  if (format !== undefined && format !== FORMAT) {
    throw new EventlakeError(
      'invalid',
      `The log has format ${format}; this version of eventlake knows ${FORMAT}`,
      { file: dir },
      'Use the version of eventlake that made it.',
    );
  }
  return {
    meta,
    topics: root.openDB<TopicRecord, string>('topics', { encoding: 'json' }),
    ends: root.openDB<Buffer, number>('ends', { encoding: 'binary' }),
    blocks: root.openDB<Buffer, Buffer>('blocks', { encoding: 'binary', keyEncoding: 'binary' }),
    positions: root.openDB<number[], [number, string]>('positions', { encoding: 'json' }),
    sources: root.openDB<number, [number, string]>('sources', { encoding: 'json' }),
  };
}

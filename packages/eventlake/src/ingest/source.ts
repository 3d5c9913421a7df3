import { createHash } from 'node:crypto';
import { EventlakeError } from '../errors.js';
import type { EventLog, RecordBatch } from '../log/event-log.js';
import { contentEnd } from './records.js';
import type { Segment } from './segments.js';

/** An input as the log knows it: what of it is there already. The rest is appended so that it is known, too. */
export interface Source {
  /** How many bytes of the segment have been ingested. Segments are asked for in their order. */
  ingested(segment: Segment): Promise<number>;
  /** Appends records and the position behind them at once. @returns false where another process was faster. */
  append(segment: Segment, to: number, records: RecordBatch): Promise<boolean>;
  /** The input was read to its end, which lies here. @throws EventlakeError `invalid` where it cannot be the same one. */
  ended?(bytes: number): void;
}

/**
 * Knows files by their content: names, places and compression do not matter.
 *
 * Each append has a source of its own, whose id is a hash of everything in the file up to there; so what is skipped is
 * certain to be the same bytes after the same bytes. Segments are cut by content alone, so the same file gives the same
 * ids again, and a longer one the same up to where the shorter one ended, which may be in the midst of a segment: there
 * every line's end is tried, if a mark says that some file ended in a segment that begins like this one.
 */
export function sourceByContent(log: EventLog, topic: string): Source {
  /** Hash of all segments before. */
  let chain = '';
  /** Nothing behind something new can have been ingested before. */
  let isNew = false;
  const isIngested = async (id: string) => (await log.sourcePosition(topic, id)) !== undefined;
  const ids = new WeakMap<Segment, { chain: string; whole: string }>();

  return {
    async ingested(segment) {
      const before = chain;
      chain = hash(before, segment.bytes);
      ids.set(segment, { chain: before, whole: chain });
      if (isNew) return 0;
      if (await isIngested(endId(chain))) return segment.bytes.length;
      isNew = true;
      const isMarked = await isIngested(markId(before, segment));
      return isMarked ? await lastKnownEnd(before, segment) : 0;
    },

    async append(segment, to, records) {
      const { chain: before, whole } = ids.get(segment)!;
      const id = endId(to === segment.bytes.length ? whole : hash(before, segment.bytes.subarray(0, to)));
      // Before the records: without it, nobody would look for them in a file that has grown.
      if (!segment.isFull) await mark(markId(before, segment));
      const source = { id, from: undefined, to: segment.start + to };
      const { status } = await log.append(topic, records, { source });
      return status === 'appended';
    },
  };

  async function mark(id: string): Promise<void> {
    await log.append(topic, NO_RECORDS, { source: { id, from: undefined, to: 1 } });
  }

  async function lastKnownEnd(before: string, segment: Segment): Promise<number> {
    const running = createHash('sha256').update(before);
    let known = 0;
    let hashed = 0;
    let begin = 0;
    for (const lineEnd of segment.lineEnds) {
      for (const end of new Set([contentEnd(segment.bytes, begin, lineEnd), lineEnd])) {
        running.update(segment.bytes.subarray(hashed, end));
        hashed = end;
        if (await isIngested(endId(running.copy().digest('hex')))) known = end;
      }
      begin = lineEnd;
    }
    return known;
  }
}

const NO_RECORDS: RecordBatch = { count: 0, values: new Uint8Array(0), bounds: new Uint32Array(1), keys: [] };

function hash(before: string, bytes: Uint8Array): string {
  return createHash('sha256').update(before).update(bytes).digest('hex');
}

function endId(digest: string): string {
  return `ingest:${digest}`;
}

/** Of the first line, which stays as it is when a file grows. */
function markId(before: string, { bytes, lineEnds }: Segment): string {
  return `ingest-begin:${hash(before, bytes.subarray(0, contentEnd(bytes, 0, lineEnds[0]!)))}`;
}

/** Trusts the name that the caller gives: what counts is how many bytes of it have been ingested. */
export async function sourceByName(log: EventLog, topic: string, sourceId: string): Promise<Source> {
  let position = await log.sourcePosition(topic, sourceId);
  return {
    async ingested(segment) {
      const known = Math.min((position ?? 0) - segment.start, segment.bytes.length);
      if (known <= 0) return 0;
      checkLineEnd(segment, known, sourceId);
      return known;
    },

    async append(segment, to, records) {
      const source = { id: sourceId, from: position, to: segment.start + to };
      const result = await log.append(topic, records, { source });
      if (result.status === 'source-moved') throw alreadyBusy(sourceId);
      position = source.to;
      return true;
    },

    ended(bytes) {
      if (bytes >= (position ?? 0)) return;
      throw another(
        sourceId,
        `${sourceId} was ingested up to byte ${position}, and this input has ${bytes} only: it is another one, or was cut off`,
      );
    },
  };
}

/** Appends whatever comes: a stream without a name cannot be recognised. */
export function sourceUnknown(log: EventLog, topic: string): Source {
  return {
    ingested: async () => 0,
    append: async (_segment, _to, records) => {
      if (records.count > 0) await log.append(topic, records);
      return true;
    },
  };
}

function checkLineEnd({ start, bytes, lineEnds }: Segment, known: number, sourceId: string): void {
  const next = lineEnds.findIndex((end) => end >= known);
  const begin = lineEnds[next - 1] ?? 0;
  if (lineEnds[next] === known || contentEnd(bytes, begin, lineEnds[next]!) === known) return;
  throw another(
    sourceId,
    `${sourceId} was ingested up to byte ${start + known}, where this input has no end of a line: it is another one`,
  );
}

function another(sourceId: string, message: string): EventlakeError {
  return new EventlakeError(
    'invalid',
    message,
    { file: sourceId },
    'Nothing of it was ingested. Give each source a --source-id of its own.',
  );
}

function alreadyBusy(sourceId: string): EventlakeError {
  return new EventlakeError(
    'busy',
    `Another process is ingesting ${sourceId}`,
    { file: sourceId },
    'Let it finish; to go on afterwards run this again.',
  );
}

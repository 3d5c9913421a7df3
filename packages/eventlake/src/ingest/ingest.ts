import type { Readable } from 'node:stream';
import { EventlakeError } from '../errors.js';
import type { EventLog } from '../log/event-log.js';
import { contentOf, STDIN, sizeOf } from './input.js';
import { keyFieldReader } from './key-field.js';
import { countNotObjects, countRecords, recordsOf } from './records.js';
import { type Segment, segmentsOf } from './segments.js';
import { type Source, sourceByContent, sourceByName, sourceUnknown } from './source.js';

export interface IngestOptions {
  log: EventLog;
  /** Must exist. */
  topic: string;
  /** The field on the first level of each object whose string becomes the record's key. */
  keyField: string;
  /** Recognises a single input by this name instead of its content: see `ingest`. */
  sourceId?: string;
  /** What `-` reads. */
  stdin?: Readable;
  onProgress?: (progress: IngestProgress) => void;
  /** Ends the ingestion after the append that is on its way. */
  signal?: AbortSignal;
}

export interface IngestProgress {
  /** The one that is being read. */
  file: string;
  /** As they lie on the disk, before unpacking; of all files together. */
  bytesRead: number;
  /** Undefined with standard input among the files. */
  bytesTotal: number | undefined;
  /** Durable in the log by this run. */
  records: number;
  skippedAsAlreadyIngested: number;
  /** Of the records: those that do not even begin like a JSON object. */
  notObjects: number;
}

export interface IngestResult extends IngestProgress {
  /** False where the signal ended it before all was read. */
  finished: boolean;
}

/**
 * Appends files of newline-delimited JSON to a topic, a record a line, in their order. Lines are not parsed: what is not
 * one JSON object is a record too, and ends in the quarantine. Files that are gzip or zstd are unpacked; `-` is standard
 * input. The end of a line is a line feed, or carriage return and line feed, or the end of the file. Empty lines and a
 * byte order mark at the beginning of a file are skipped.
 *
 * Safe to repeat and to resume: records and the position behind them become durable together. A file is recognised by its
 * content, wherever it lies, whatever its name, packed or not: what was ingested of the same bytes after the same bytes is
 * skipped, and a file that has grown goes on where it ended. (A last line without a line feed is ingested; if it was only
 * half written, its half stays as one broken record beside the whole one.) Standard input is appended each time, since two
 * equal streams may well be meant; with `sourceId` it goes on after as many bytes as have been ingested under that name.
 *
 * @throws EventlakeError `limit` at a line that is longer than a record can be, naming file and line: everything before it
 *   is ingested, nothing after it. `corrupt` where a file cannot be unpacked to its end, likewise. `not-found` before
 *   anything is ingested where a file is missing.
 */
export async function ingest(files: readonly string[], options: IngestOptions): Promise<IngestResult> {
  const { log, topic, sourceId, onProgress = () => {}, signal } = options;
  if (sourceId !== undefined && files.length !== 1) throw tooManyForOneId(files.length);
  const sizes = await Promise.all(files.map((file) => (file === STDIN ? undefined : sizeOf(file))));
  await log.topic(topic);
  const progress: IngestProgress = {
    file: '',
    bytesRead: 0,
    bytesTotal: sizes.reduce(
      (sum: number | undefined, size) => (sum === undefined || size === undefined ? undefined : sum + size),
      0,
    ),
    records: 0,
    skippedAsAlreadyIngested: 0,
    notObjects: 0,
  };
  const keyOf = keyFieldReader(options.keyField);
  for (const file of files) {
    if (signal?.aborted) break;
    progress.file = file;
    const source =
      sourceId !== undefined
        ? await sourceByName(log, topic, sourceId)
        : file === STDIN
          ? sourceUnknown(log, topic)
          : sourceByContent(log, topic);
    const onBytes = (bytes: number) => {
      progress.bytesRead += bytes;
    };
    const content = contentOf(file, options.stdin ?? process.stdin, onBytes, signal);
    const ingesting = ingestFile(
      segmentsOf(content, file),
      source,
      keyOf,
      signal,
      (records, skipped, notObjects) => {
        progress.records += records;
        progress.notObjects += notObjects;
        progress.skippedAsAlreadyIngested += skipped;
        onProgress({ ...progress });
      },
    );
    // A file that is closed under the reader is how the signal ends a read that waits.
    await ingesting.catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  }
  return { ...progress, finished: !signal?.aborted };
}

type KeyOf = ReturnType<typeof keyFieldReader>;

async function ingestFile(
  segments: AsyncGenerator<Segment>,
  source: Source,
  keyOf: KeyOf,
  signal: AbortSignal | undefined,
  report: (records: number, skipped: number, notObjects: number) => void,
): Promise<void> {
  // While one append is on its way to the disk, the next is read and prepared.
  let onItsWay: Promise<void> = Promise.resolve();
  let end = 0;
  try {
    for await (const segment of segments) {
      end = segment.start + segment.bytes.length;
      let from = await source.ingested(segment);
      report(0, countRecords(segment, from), 0);
      for (const to of cutsOf(segment).filter((cut) => cut > from)) {
        const records = recordsOf(segment, from, to, keyOf);
        await onItsWay;
        if (signal?.aborted) return;
        onItsWay = source.append(segment, to, records).then((isAppended) => {
          if (isAppended) report(records.count, 0, countNotObjects(records));
          else report(0, records.count, 0);
        });
        // A failure is thrown where it is waited for.
        onItsWay.catch(() => {});
        from = to;
      }
    }
    if (!signal?.aborted) source.ended?.(end);
  } finally {
    await onItsWay;
  }
}

/** A last line without a line feed is appended on its own: if the file grows, only that line can have changed. */
function cutsOf({ bytes, lineEnds }: Segment): number[] {
  if (bytes[bytes.length - 1] === 10) return [bytes.length];
  return [...lineEnds.slice(-2, -1), bytes.length];
}

function tooManyForOneId(count: number): EventlakeError {
  return new EventlakeError(
    'invalid',
    `One source id cannot stand for ${count} inputs`,
    {},
    'Ingest them one by one, or leave --source-id out: files are recognised by their content.',
  );
}

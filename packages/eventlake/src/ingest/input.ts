import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { EventlakeError } from '../errors.js';

export const STDIN = '-';
const CHUNK_BYTES = 256 * 1024;
const GZIP = [0x1f, 0x8b];
/** RFC 8878, 3.1.1. A file that begins with a skippable frame is recognised by its name only. */
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** @returns Bytes on the disk. @throws EventlakeError where the file is not there or is none. */
export async function sizeOf(file: string): Promise<number> {
  try {
    const stats = await stat(file);
    if (!stats.isDirectory()) return stats.size;
  } catch (error) {
    throw inputError(error, file);
  }
  throw new EventlakeError(
    'invalid',
    `${file} is a folder`,
    { file },
    'Name the files in it: folder/*.ndjson',
  );
}

/**
 * The file's content, unpacked where it is gzip or zstd.
 * @param onBytes Told how much was read, before unpacking.
 * @param signal Ends it with an error, also while it waits for standard input.
 */
export async function* contentOf(
  file: string,
  stdin: Readable,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const source = file === STDIN ? stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const stop = () => source.destroy();
  signal?.addEventListener('abort', stop);
  try {
    const raw = counted(source, onBytes);
    const start = await firstBytes(raw, ZSTD.length);
    const all = rejoined(start, raw);
    if (beginsWith(start, GZIP)) yield* through(zlib.createGunzip({ chunkSize: CHUNK_BYTES }), all);
    else if (beginsWith(start, ZSTD) || (file.endsWith('.zst') && start.length > 0)) yield* unzstd(all);
    else if (file.endsWith('.gz') && start.length > 0) throw new Error('it does not begin like a gzip file');
    else yield* all;
  } catch (error) {
    throw inputError(error, file);
  } finally {
    signal?.removeEventListener('abort', stop);
    source.destroy();
  }
}

async function* counted(source: Readable, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    onBytes(chunk.length);
    yield chunk;
  }
}

async function firstBytes(chunks: AsyncGenerator<Uint8Array>, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < count) {
    const { value, done } = await chunks.next();
    if (done) break;
    bytes = Buffer.concat([bytes, value]);
  }
  return bytes;
}

async function* rejoined(start: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  yield* rest;
}

function beginsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

async function* through(
  transform: Transform,
  chunks: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  // The error arrives where the transform is read.
  pipeline(Readable.from(chunks), transform, () => {});
  yield* transform as AsyncIterable<Uint8Array>;
}

/** Node has zstd from 22.15 on; before, a small decoder in JavaScript does it. */
const createZstdDecompress = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

async function* unzstd(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (createZstdDecompress) {
    yield* through(createZstdDecompress(), chunks);
    return;
  }
  const { Decompress } = await import('fzstd');
  let unpacked: Uint8Array[] = [];
  const decoder = new Decompress((data) => {
    unpacked.push(data);
  });
  for await (const chunk of chunks) {
    unpacked = [];
    decoder.push(chunk);
    yield* unpacked;
  }
  unpacked = [];
  decoder.push(new Uint8Array(0), true);
  yield* unpacked;
}

function inputError(error: unknown, file: string): EventlakeError {
  if (error instanceof EventlakeError) return error;
  const { message } = error as Error;
  // The codes of fzstd are numbers.
  const code = String((error as { code?: unknown }).code);
  const made = (kind: EventlakeError['kind'], what: string, hint: string) =>
    new EventlakeError(kind, `${file} ${what}: ${message}`, { file }, hint, { cause: error });
  if (code === 'ENOENT') return made('not-found', 'is not there', 'Look at the path.');
  if (code === 'EACCES' || code === 'EPERM')
    return made('unavailable', 'cannot be read', 'Give this user the right to read it.');
  if (code === 'EISDIR') return made('invalid', 'is a folder', 'Name the files in it.');
  if (/^E[A-Z]+$/.test(code)) {
    return made(
      'unavailable',
      'could not be read to its end',
      'What was read is ingested. Ingest the file again: it goes on there.',
    );
  }
  return made(
    'corrupt',
    'could not be unpacked',
    'What came before the damage is ingested. Get the file again and ingest it: it goes on there.',
  );
}

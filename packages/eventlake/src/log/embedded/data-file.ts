import { existsSync, readFileSync } from 'node:fs';
import { appendFile, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { EventlakeError } from '../../errors.js';

/*
 * LMDB maps its file, and a page that the file does not have ends the process without a word; so does, in the `lmdb`
 * package, a file that LMDB refuses. Both are looked for before LMDB gets to see the file.
 *
 * The file begins with two meta pages (liblmdb/mdb.c, MDB_page and MDB_meta, 64 bits, data version 2), of which the one
 * with the higher transaction counts:
 *   18 u16 page flags    24 u32 magic    28 u32 data version    48 u32 page size    144 u64 last page    152 u64 transaction
 */
const META_BYTES = 160;
const P_META = 0x08;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
/** Pages that a transaction took and gave back are never written: a file may lack a few at its end. */
const MISSING_PAGES_MAX = 64;

/** @throws EventlakeError `corrupt` where the folder's file is no log's, or a part of it is missing. */
export async function checkDataFile(dir: string): Promise<void> {
  const path = join(dir, 'data.mdb');
  // Empty: another process is about to make it.
  if (!existsSync(path)) return;
  const file = await open(path, 'r');
  try {
    if ((await file.stat()).size > 0) await checkPages(path, file);
  } finally {
    await file.close();
  }
}

async function checkPages(path: string, file: FileHandle): Promise<void> {
  const first = await readMeta(file, 0);
  const second = first && (await readMeta(file, first.pageBytes));
  if (!first || !second) throw corrupt(path, 'does not begin like the file of a log');
  const { lastPage, pageBytes } = first.transaction > second.transaction ? first : second;
  // The size is asked for last: other processes only ever make the file longer.
  const { size } = await file.stat();
  const missingBytes = (lastPage + 1) * pageBytes - size;
  if (missingBytes <= 0) return;
  if (missingBytes > MISSING_PAGES_MAX * pageBytes) {
    throw corrupt(path, `is at least ${missingBytes} bytes shorter than it was`);
  }
  // Appended wherever the end is by now: a page of zeros is an error with a message, no page is none.
  await appendFile(path, Buffer.alloc(missingBytes));
}

async function readMeta(
  file: FileHandle,
  position: number,
): Promise<{ pageBytes: number; lastPage: number; transaction: number } | undefined> {
  const bytes = Buffer.alloc(META_BYTES);
  const { bytesRead } = await file.read(bytes, 0, META_BYTES, position);
  if (bytesRead < META_BYTES || !(bytes.readUInt16LE(18) & P_META) || bytes.readUInt32LE(24) !== MAGIC)
    return undefined;
  if (bytes.readUInt32LE(28) !== DATA_VERSION) return undefined;
  return {
    pageBytes: bytes.readUInt32LE(48),
    lastPage: Number(bytes.readBigUInt64LE(144)),
    transaction: Number(bytes.readBigUInt64LE(152)),
  };
}

function corrupt(file: string, what: string): EventlakeError {
  return new EventlakeError(
    'corrupt',
    `${file} ${what}`,
    { file },
    'Restore the log folder from a copy, or move it away to begin with an empty log.',
  );
}

/** Bytes of address space that this process may have: `ulimit -v`. Where nobody says, as much as it likes. */
export function addressSpaceBytes(): number {
  try {
    const limit = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return limit ? Number(limit[1]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

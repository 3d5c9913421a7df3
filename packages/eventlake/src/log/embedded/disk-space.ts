import { EventlakeError } from '../../errors.js';
import type { Environment } from './environment.js';
import { freeBytes } from './errors.js';

const MiB = 1024 * 1024;
/** Left free for what has to be possible on a full disk: positions, and retention, which makes room. */
const RESERVE_BYTES = 64 * MiB;
/** Between two looks at the disk. */
const UNSEEN_BYTES_MAX = 8 * MiB;
const UNSEEN_MS_MAX = 100;

/**
 * Refuses appends before the disk is full. LMDB would notice a full disk as well, but its message about it is longer than
 * the memory that it takes for it (lmdb 3.5.6, `sprintf(last_error, "Attempting to write page …")` in mdb.c), which may
 * end the process.
 */
export class DiskSpace {
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #unseenBytes = 0;
  #last = { fileBytes: 0, reusableBytes: 0 };
  /** What the file has of space that LMDB made no use of: pieces too small, or still seen by a reader. */
  #uselessBytes = 0;

  constructor(readonly env: Environment) {}

  /** @throws EventlakeError `unavailable`. */
  claim(bytes: number): void {
    this.#unseenBytes += bytes;
    const nowMs = performance.now();
    if (this.#unseenBytes < UNSEEN_BYTES_MAX && nowMs - this.#seenAtMs < UNSEEN_MS_MAX) return;
    if (freeBytes(this.env.dir) > RESERVE_BYTES + bytes) {
      this.#seenAtMs = nowMs;
      this.#unseenBytes = 0;
    } else if (!this.#fitsIntoFile(bytes)) throw this.#full();
  }

  /** On a disk that is nearly full, what retention has removed makes room: as long as the file does not grow. */
  #fitsIntoFile(bytes: number): boolean {
    const { fileBytes, reusableBytes } = this.env.space();
    const isMore = reusableBytes > this.#last.reusableBytes;
    if (fileBytes > this.#last.fileBytes && !isMore) this.#uselessBytes = reusableBytes;
    this.#last = { fileBytes, reusableBytes };
    return reusableBytes > this.#uselessBytes + 2 * bytes + MiB;
  }

  #full(): EventlakeError {
    return new EventlakeError(
      'unavailable',
      `The disk of the event log is full but for the last ${RESERVE_BYTES / MiB} MiB`,
      { file: this.env.dir },
      'Free space, or lower log.retentionHours or log.retentionBytesMax, and go on: everything acknowledged is there, the append that failed left nothing behind.',
    );
  }
}

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

/**
 * Named pipes through which the engine streams results, written by its own formats with `INTO OUTFILE`: any format comes
 * out whole (chdb's own stream repeats headers), starting a query does not block the event loop (chdb's stream does),
 * and the pipe holds the engine back while the client is slow, so memory stays bounded.
 */
export class PipePool {
  readonly #free: string[];

  private constructor(
    readonly folder: string,
    paths: string[],
  ) {
    this.#free = paths;
  }

  static async open(folder: string, count: number): Promise<PipePool> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: count }, (_, i) =>
      join(folder, `${i}-${randomBytes(4).toString('hex')}`),
    );
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
    return new PipePool(folder, paths);
  }

  /** A pipe that nobody else uses until `release`. */
  take(): Pipe {
    const path = this.#free.pop();
    if (path === undefined) throw new Error('no pipe left: more queries than the queue lets through');
    // The writing end keeps the reader from an early end of file until the engine has opened the pipe, and is closed
    // when the query is over.
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const reader = new Socket({ fd: readFd, readable: true, writable: false });
    reader.on('error', () => {});
    let open = true;
    return {
      path,
      reader,
      finish: () => {
        if (open) closeSync(writeFd);
        open = false;
      },
      release: () => {
        if (open) closeSync(writeFd);
        open = false;
        if (reader.closed) this.#free.push(path);
        else reader.once('close', () => this.#free.push(path)).destroy();
      },
    };
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface Pipe {
  path: string;
  reader: Readable;
  /** The query is over: the reader ends after what is still in the pipe. */
  finish(): void;
  release(): void;
}

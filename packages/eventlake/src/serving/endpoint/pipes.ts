import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LongBuffers } from './long-buffers.js';
import { widenPipes } from './widen-pipes.js';

const FIRST_READ_BYTES = 64 * 1024;

/**
 * Named pipes through which the engine streams results, written by its own formats with `INTO OUTFILE`: any format comes
 * out whole (chdb's own stream repeats headers), starting a query does not block the event loop (chdb's stream does),
 * and the pipe holds the engine back while the client is slow, so memory stays bounded.
 */
export class PipePool {
  readonly #free: NamedPipe[];
  readonly #long = new LongBuffers();

  private constructor(
    readonly folder: string,
    readonly all: readonly NamedPipe[],
  ) {
    this.#free = [...all];
  }

  static async open(folder: string, count: number): Promise<PipePool> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: count }, (_, i) =>
      join(folder, `${i}-${randomBytes(4).toString('hex')}`),
    );
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
    const pipes = paths.map((path) => ({
      path,
      // Open for good: a pipe that nobody has open forgets its size.
      holder: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      first: Buffer.allocUnsafeSlow(FIRST_READ_BYTES),
    }));
    await widenPipes(pipes.map(({ holder }) => holder));
    return new PipePool(folder, pipes);
  }

  /** A pipe that nobody else uses until `release`. */
  take(): Pipe {
    const pipe = this.#free.pop();
    if (pipe === undefined) throw new Error('no pipe left: more queries than the queue lets through');
    empty(pipe);
    // The writing end keeps the reader from an early end of file until the engine has opened the pipe, and is closed
    // when the query is over.
    const readFd = openSync(pipe.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(pipe.path, constants.O_WRONLY | constants.O_NONBLOCK);
    const { chunks, socket } = readFrom(readFd, pipe.first, this.#long);
    let open = true;
    const finish = () => {
      if (open) closeSync(writeFd);
      open = false;
    };
    return {
      path: pipe.path,
      chunks,
      finish,
      release: () => {
        finish();
        if (socket.closed) this.#free.push(pipe);
        else socket.once('close', () => this.#free.push(pipe)).destroy();
      },
    };
  }

  async close(): Promise<void> {
    for (const { holder } of this.all) closeSync(holder);
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface NamedPipe {
  path: string;
  holder: number;
  /** Where the first read of each query goes. */
  first: Buffer;
}

export interface Pipe {
  path: string;
  /** To be read once, to the end. A chunk is there until the next one is asked for: its memory is used again. */
  chunks: AsyncIterable<Buffer>;
  /** The query is over: the chunks end after what is still in the pipe. */
  finish(): void;
  release(): void;
}

/** What an earlier query left unread must never come to the next one. */
function empty({ holder, first }: NamedPipe): void {
  try {
    while (readSync(holder, first, 0, first.length, null) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}

/**
 * Reads into buffers that are used again once their chunk has been dealt with: a new buffer for each read, be it Node's or
 * ours, costs more than the engine needs to fill it, most of it in the collection of garbage. The pipe is read from while
 * a chunk is on its way to the client, as long as there is a buffer for it.
 */
function readFrom(
  fd: number,
  first: Buffer,
  long: LongBuffers,
): { chunks: AsyncIterable<Buffer>; socket: Socket } {
  const waiting: Buffer[] = [];
  let ring: readonly Buffer[] = [first];
  let next = 0;
  /** Chunks that wait or are being dealt with: buffers that must not be read into. */
  let inUse = 0;
  let ended = false;
  let wake = () => {};
  const options: SocketConstructorOpts & ConnectOpts = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: () => ring[next]!,
      callback(bytes, buffer) {
        waiting.push(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        inUse++;
        if (bytes === FIRST_READ_BYTES && ring[0] === first) {
          ring = long.take();
          next = 0;
        } else next = (next + 1) % ring.length;
        wake();
        return inUse < ring.length;
      },
    },
  };
  const socket = new Socket(options);
  const end = () => {
    ended = true;
    wake();
  };
  socket
    .on('error', end)
    .on('end', end)
    .on('close', () => {
      if (ring[0] !== first) long.giveBack(ring);
      end();
    });
  async function* chunks(): AsyncGenerator<Buffer> {
    socket.resume();
    for (;;) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        yield chunk;
        inUse--;
        socket.resume();
      } else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return { chunks: chunks(), socket };
}

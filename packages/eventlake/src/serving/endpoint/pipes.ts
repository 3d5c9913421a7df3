import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { widenPipes } from './widen-pipes.js';

/** As much as is read at once: half a pipe, so that the engine fills the other half meanwhile. */
const READ_BYTES = 128 * 1024;
/** Of a pipe: one is read into, one waits, one is on its way to the client. */
const BUFFERS = 3;

/**
 * Named pipes through which the engine streams results, written by its own formats with `INTO OUTFILE`: any format comes
 * out whole (chdb's own stream repeats headers), starting a query does not block the event loop (chdb's stream does),
 * and the pipe holds the engine back while the client is slow, so memory stays bounded.
 */
export class PipePool {
  readonly #free: NamedPipe[];

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
    const pipes = paths.map((path) => new NamedPipe(path));
    await widenPipes(pipes.map(({ fd }) => fd));
    return new PipePool(folder, pipes);
  }

  /** A pipe that nobody else uses until `release`. */
  take(): Pipe {
    const pipe = this.#free.pop();
    if (pipe === undefined) throw new Error('no pipe left: more queries than the queue lets through');
    return {
      path: pipe.path,
      chunks: pipe.begin(),
      finish: () => pipe.finish(),
      release: () => {
        pipe.end();
        this.#free.push(pipe);
      },
    };
  }

  async close(): Promise<void> {
    for (const pipe of this.all) pipe.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface Pipe {
  path: string;
  /** To be read once, to the end. A chunk is there until the next one is asked for: its memory is used again. */
  chunks: AsyncIterable<Buffer>;
  /** The query is over: the chunks end after what is still in the pipe. */
  finish(): void;
  /** Once the query is over. */
  release(): void;
}

/**
 * One pipe, for one query after the other. Both of its ends stay open: a pipe that nobody has open forgets its size, and
 * opening, watching and closing one for each query takes a good part of a small one. So the end of a result is not an end
 * of file, but that the query is over and the pipe empty.
 *
 * Reads into buffers that are used again once their chunk has been dealt with: a new buffer for each read, be it Node's or
 * ours, costs more than the engine needs to fill it, most of it in the collection of garbage. The pipe is read from while
 * a chunk is on its way to the client, as long as there is a buffer for it.
 */
class NamedPipe {
  readonly fd: number;
  readonly #writeFd: number;
  readonly #socket: Socket;
  readonly #ring = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(READ_BYTES));
  /** The buffer that the socket reads into next. It asks for that right after the last one. */
  #next = 0;
  #waiting: Buffer[] = [];
  /** Chunks that wait or are being dealt with: buffers that must not be read into. */
  #inUse = 0;
  #isOver = true;
  #wake = () => {};

  constructor(readonly path: string) {
    this.fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#writeFd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: this.fd,
      readable: true,
      writable: false,
      onread: { buffer: () => this.#ring[this.#next]!, callback: (bytes) => this.#arrived(bytes) },
    };
    this.#socket = new Socket(options).on('error', () => this.finish());
    this.#socket.pause();
  }

  begin(): AsyncGenerator<Buffer> {
    // What an earlier query left unread must never come to the next one.
    while (this.#readNow() !== undefined);
    this.#isOver = false;
    this.#socket.resume();
    return this.#chunks();
  }

  finish(): void {
    this.#isOver = true;
    this.#socket.pause();
    this.#wake();
  }

  end(): void {
    this.finish();
    this.#waiting = [];
    this.#inUse = 0;
  }

  close(): void {
    this.#socket.destroy();
    closeSync(this.#writeFd);
  }

  #arrived(bytes: number): boolean {
    this.#waiting.push(this.#ring[this.#next]!.subarray(0, bytes));
    this.#inUse++;
    this.#next = (this.#next + 1) % BUFFERS;
    this.#wake();
    return this.#inUse < BUFFERS;
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        yield chunk;
        this.#inUse--;
        if (!this.#isOver) this.#socket.resume();
      } else if (this.#isOver) {
        // The socket rests, and no chunk is out: its next buffer is free, also several times.
        const rest = this.#readNow();
        if (rest === undefined) return;
        yield rest;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** What is in the pipe now, where anything is. */
  #readNow(): Buffer | undefined {
    const buffer = this.#ring[this.#next]!;
    try {
      const bytes = readSync(this.fd, buffer);
      return bytes > 0 ? buffer.subarray(0, bytes) : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      throw error;
    }
  }
}

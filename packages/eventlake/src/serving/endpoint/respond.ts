import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { CachedResult } from './cache/result-cache.js';
import type { RawResult } from './chdb-addon.js';
import type { Engine } from './engine.js';
import type { ClickHouseException } from './errors.js';
import { contentType } from './formats.js';
import { compressedBlock } from './native/compressed-blocks.js';

interface ResultFacts {
  queryId: string;
  format: string;
  encoding?: string;
  compress?: boolean;
  hide?: Hide;
  /** Results up to this length can be had again from `recorded`. */
  recordBytesMax?: number;
  /** Called when it has turned out that there will be nothing `recorded`. */
  unrecorded?: () => void;
}

type Hide = (error: ClickHouseException) => ClickHouseException;

/** Responses that ended with an error after their first bytes, for which their status is no sign. */
export const failed = new WeakSet<ServerResponse>();

/**
 * Sends a result. Its first bytes are held back: what fails within them gets its status and message; what fails later
 * ends with ClickHouse's exception block and a cut connection, so that no client takes the part for the whole.
 */
export class ResultWriter {
  readonly #tag = randomBytes(8).toString('hex');
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isPlain = false;
  #record: Buffer[] | undefined;
  #recordBytes = 0;

  constructor(
    readonly response: ServerResponse,
    readonly engine: Engine,
    readonly bytesHeld: number,
    readonly facts: ResultFacts,
  ) {
    this.#record = facts.recordBytesMax ? [] : undefined;
  }

  /** The whole result, once it has been sent, where it is no longer than was to be recorded. */
  recorded: CachedResult | undefined;

  /**
   * Resolves when more may be written, and the chunk's memory may be used again. What is recorded is copied, and does not
   * wait for the client: others that asked the same may wait for it.
   */
  async write(chunk: Buffer): Promise<void> {
    if (this.response.destroyed) return;
    this.#recordBytes += chunk.length;
    if (this.#record !== undefined && this.#recordBytes > this.facts.recordBytesMax!) {
      this.#record = undefined;
      this.facts.unrecorded?.();
    }
    const isKept = this.#record !== undefined || !this.response.headersSent;
    const kept = isKept ? Buffer.from(chunk) : chunk;
    this.#record?.push(kept);
    if (!this.response.headersSent) {
      this.#held.push(kept);
      this.#heldBytes += kept.length;
      if (this.#heldBytes < this.bytesHeld) return;
      this.#headers(200);
      this.response.setHeader('X-ClickHouse-Exception-Tag', this.#tag);
      for (const held of this.#held.splice(0)) this.#send(held);
    } else if (this.#record !== undefined) this.#send(kept);
    else await this.#sent(chunk);
  }

  /** Sends these bytes, uncompressed, in place of what was held back. */
  replace(bytes: Buffer): void {
    if (this.#record !== undefined) this.#record = [bytes];
    this.#held = [bytes];
    this.#heldBytes = bytes.length;
    this.#isPlain = true;
  }

  end(result: RawResult | undefined): void {
    if (this.response.destroyed) return;
    if (this.#record !== undefined && result !== undefined) {
      this.recorded = { bytes: Buffer.concat(this.#record), isPlain: this.#isPlain, result };
    }
    if (!this.response.headersSent) {
      this.#headers(200);
      if (result !== undefined) this.response.setHeader('X-ClickHouse-Summary', summary(result));
      const body = this.#framed(this.#takeHeld());
      this.response.setHeader('Content-Length', body.length);
      this.response.write(body);
    }
    this.response.end();
  }

  fail(thrown: ClickHouseException): void {
    if (this.response.destroyed) return;
    const error = this.facts.hide?.(thrown) ?? thrown;
    if (!this.response.headersSent) {
      sendError(this.response, error, this.engine, this.facts);
      return;
    }
    failed.add(this.response);
    const message = `${error.text(this.engine.version)}\n`;
    const block = `\r\n__exception__\r\n${this.#tag}\r\n${message}${Buffer.byteLength(message)} ${this.#tag}\r\n__exception__\r\n`;
    const cut = () => this.response.destroy();
    if (this.facts.encoding === undefined) this.response.write(this.#framed(Buffer.from(block)), cut);
    else cut();
  }

  #send(chunk: Buffer): void {
    this.response.write(this.#framed(chunk));
  }

  #sent(chunk: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.response.off('close', done);
        resolve();
      };
      this.response.once('close', done);
      this.response.write(this.#framed(chunk), done);
    });
  }

  #framed(chunk: Buffer): Buffer {
    return this.facts.compress && chunk.length > 0 ? compressedBlock(chunk) : chunk;
  }

  #takeHeld(): Buffer {
    const all = Buffer.concat(this.#held);
    this.#held = [];
    return all;
  }

  #headers(status: number): void {
    const { queryId, format, encoding } = this.facts;
    this.response.statusCode = status;
    commonHeaders(this.response, this.engine, queryId);
    this.response.setHeader('Content-Type', contentType(format));
    this.response.setHeader('X-ClickHouse-Format', format);
    if (encoding !== undefined && !this.#isPlain) {
      this.response.setHeader('Content-Encoding', encoding);
      this.response.setHeader('Vary', 'Accept-Encoding');
    }
  }
}

export function sendError(
  response: ServerResponse,
  error: ClickHouseException,
  engine: Pick<Engine, 'version' | 'timezone' | 'displayName'>,
  { queryId, compress }: { queryId: string; compress?: boolean },
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const plain = Buffer.from(`${error.text(engine.version)}\n`);
  const text = compress ? compressedBlock(plain) : plain;
  response.statusCode = error.status;
  commonHeaders(response, engine, queryId);
  response.setHeader('X-ClickHouse-Exception-Code', error.code);
  if (error.status === 401)
    response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('Content-Length', text.length);
  response.end(text);
}

function commonHeaders(
  response: ServerResponse,
  engine: Pick<Engine, 'timezone' | 'displayName'>,
  queryId: string,
): void {
  response.setHeader('X-ClickHouse-Server-Display-Name', engine.displayName);
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Timezone', engine.timezone);
}

function summary(result: RawResult): string {
  const text = (n: number) => String(Math.round(n));
  return JSON.stringify({
    read_rows: text(result.rowsRead),
    read_bytes: text(result.bytesRead),
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: text(result.bytes.length),
    elapsed_ns: text(result.elapsed * 1e9),
  });
}

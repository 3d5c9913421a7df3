/** As much as is read at once, once a result is longer than the first read. */
const READ_BYTES = 512 * 1024;
/** One is read into, one waits, one is on its way to the client. */
const BUFFERS = 3;
const RINGS_KEPT_MAX = 4;

/** The buffers that long results are read into, kept for the next ones. */
export class LongBuffers {
  readonly #rings: (readonly Buffer[])[] = [];

  take(): readonly Buffer[] {
    return this.#rings.pop() ?? Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(READ_BYTES));
  }

  /** Only what nobody reads into or from any more. */
  giveBack(ring: readonly Buffer[]): void {
    if (this.#rings.length < RINGS_KEPT_MAX) this.#rings.push(ring);
  }
}

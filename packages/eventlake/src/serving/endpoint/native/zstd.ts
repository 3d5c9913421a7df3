/**
 * What the decoder is given at a time. It unpacks all of that at once, and four bytes may stand for 128 KiB: so little that
 * whoever has asked can stop before much has come out.
 */
const PIECE_BYTES = 128;

/** What is in a zstd body, by a decoder in JavaScript: Node has its own only from 22.15 on. */
export async function* unZstd(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let unpacked: Uint8Array[] = [];
  const decoder = new Decompress((data) => {
    unpacked.push(data);
  });
  function* takeUnpacked(): Generator<Buffer> {
    const parts = unpacked;
    unpacked = [];
    for (const part of parts) if (part.length > 0) yield Buffer.from(part);
  }
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      // A copy: the decoder keeps what is no whole block yet.
      decoder.push(Uint8Array.prototype.slice.call(chunk, at, at + PIECE_BYTES));
      yield* takeUnpacked();
    }
  }
  decoder.push(new Uint8Array(0), true);
  yield* takeUnpacked();
}

/** @throws for bytes that are no zstd, or do not fit. */
export async function zstdDecode(source: Uint8Array, size: number): Promise<Buffer> {
  const { decompress } = await import('fzstd');
  return Buffer.from(decompress(source, new Uint8Array(size)));
}

/** What is in a zstd body, by a decoder in JavaScript: Node has its own only from 22.15 on. */
export async function* unZstd(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let unpacked: Uint8Array[] = [];
  const decoder = new Decompress((data) => {
    unpacked.push(data);
  });
  for await (const chunk of body) {
    unpacked = [];
    decoder.push(chunk);
    for (const part of unpacked) yield Buffer.from(part);
  }
  unpacked = [];
  decoder.push(new Uint8Array(0), true);
  for (const part of unpacked) yield Buffer.from(part);
}

/** @throws for bytes that are no zstd, or do not fit. */
export async function zstdDecode(source: Uint8Array, size: number): Promise<Buffer> {
  const { decompress } = await import('fzstd');
  return Buffer.from(decompress(source, new Uint8Array(size)));
}

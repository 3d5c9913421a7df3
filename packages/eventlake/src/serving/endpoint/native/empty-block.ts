/** A Native block of no rows, which tells the columns all the same: chdb writes nothing for an empty result. */
export function emptyBlock(columns: readonly (readonly [name: string, type: string])[]): Buffer {
  const texts = columns.flat().flatMap((text) => {
    const bytes = Buffer.from(text);
    return [varint(bytes.length), bytes];
  });
  return Buffer.concat([varint(columns.length), varint(0), ...texts]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

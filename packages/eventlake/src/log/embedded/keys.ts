/** Keys of blocks: topic number, partition (32 bits each), offset (64 bits), big-endian, so that they sort as they count. */
export function blockKey(topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(16);
  key.writeUInt32BE(topic, 0);
  key.writeUInt32BE(partition, 4);
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 8);
  key.writeUInt32BE(offset % 2 ** 32, 12);
  return key;
}

export function keyOffset(key: Buffer): number {
  return key.readUInt32BE(8) * 2 ** 32 + key.readUInt32BE(12);
}

export function isOfPartition(key: Buffer, topic: number, partition: number): boolean {
  return key.readUInt32BE(0) === topic && key.readUInt32BE(4) === partition;
}

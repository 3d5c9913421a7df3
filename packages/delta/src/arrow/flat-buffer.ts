/** A value in a table of a FlatBuffer; undefined leaves the slot at its default. */
export type Slot = { bytes: 1 | 2 | 4 | 8; value: number } | { to: number } | undefined;

export const bool = (value: boolean): Slot => ({ bytes: 1, value: Number(value) });
export const byte = (value: number): Slot => ({ bytes: 1, value });
export const short = (value: number): Slot => ({ bytes: 2, value });
export const int = (value: number): Slot => ({ bytes: 4, value });
/** Exact up to 2^53, which is more than any length here. */
export const long = (value: number): Slot => ({ bytes: 8, value });
export const ref = (to: number): Slot => ({ to });

/**
 * As much of a FlatBuffers writer as Arrow's messages take. It is written from the end to the beginning, so that what is
 * pointed to is there first; places are counted from the end.
 */
export class FlatBuffer {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private used = 0;

  text(text: string): number {
    const utf8 = Buffer.from(text);
    this.align(4, utf8.length + 1);
    this.grow(utf8.length + 1);
    this.used += utf8.length + 1;
    this.bytes.set(utf8, this.bytes.length - this.used);
    return this.put(4, utf8.length);
  }

  references(places: readonly number[]): number {
    this.align(4, 4 * places.length);
    for (const place of [...places].reverse()) this.putReference(place);
    return this.put(4, places.length);
  }

  /** A vector of structs of two longs: Arrow's `FieldNode` and `Buffer`. */
  pairs(pairs: readonly (readonly [number, number])[]): number {
    this.align(8, 16 * pairs.length);
    for (const [first, second] of [...pairs].reverse()) {
      this.put(8, second);
      this.put(8, first);
    }
    return this.put(4, pairs.length);
  }

  table(...slots: readonly Slot[]): number {
    const end = this.used;
    const places = slots.map((slot) => {
      if (slot === undefined) return undefined;
      return 'to' in slot ? this.putReference(slot.to) : this.put(slot.bytes, slot.value);
    });
    const table = this.put(4, 0);
    for (const place of places.toReversed()) this.put(2, place === undefined ? 0 : table - place);
    this.put(2, table - end);
    this.put(2, 4 + 2 * slots.length);
    this.view.setInt32(this.bytes.length - table, this.used - table, true);
    return table;
  }

  /** @returns the whole, beginning with where the root is; its length is a multiple of 8 */
  finish(root: number): Uint8Array {
    this.align(8, 4);
    this.putReference(root);
    return this.bytes.slice(this.bytes.length - this.used);
  }

  private putReference(place: number): number {
    this.align(4);
    return this.put(4, this.used + 4 - place);
  }

  private put(bytes: 1 | 2 | 4 | 8, value: number): number {
    this.align(bytes);
    this.grow(bytes);
    this.used += bytes;
    const at = this.bytes.length - this.used;
    if (bytes === 1) this.view.setUint8(at, value);
    else if (bytes === 2) this.view.setInt16(at, value, true);
    else if (bytes === 4) this.view.setInt32(at, value, true);
    else this.view.setBigInt64(at, BigInt(value), true);
    return this.used;
  }

  /** So that what comes next is aligned once `before` bytes are there. */
  private align(to: number, before = 0): void {
    const padding = (to - ((this.used + before) % to)) % to;
    this.grow(padding);
    this.used += padding;
  }

  private grow(by: number): void {
    if (this.used + by <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.bytes.length + by));
    larger.set(this.bytes, larger.length - this.bytes.length);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

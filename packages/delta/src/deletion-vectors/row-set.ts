/** A set of rows of one file, by position: a bitmap that grows as far as its highest member. */
export class RowSet {
  private words: Uint32Array;
  private count = 0;

  constructor(rowsExpected = 0) {
    this.words = new Uint32Array((rowsExpected + 31) >>> 5);
  }

  static of(rows: Iterable<number>): RowSet {
    const set = new RowSet();
    for (const row of rows) set.add(row);
    return set;
  }

  get size(): number {
    return this.count;
  }

  has(row: number): boolean {
    const word = this.words[Math.floor(row / 32)];
    return word !== undefined && ((word >>> (row & 31)) & 1) === 1;
  }

  add(row: number): void {
    const at = Math.floor(row / 32);
    if (at >= this.words.length) this.grow(at + 1);
    const bit = 1 << (row & 31);
    const word = this.words[at] as number;
    if ((word & bit) !== 0) return;
    this.words[at] = word | bit;
    this.count++;
  }

  addAll(other: RowSet): void {
    for (const row of other) this.add(row);
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.words.length; at++) {
      let word = this.words[at] as number;
      while (word !== 0) {
        const bit = 31 - Math.clz32(word & -word);
        yield at * 32 + bit;
        word &= word - 1;
      }
    }
  }

  private grow(words: number): void {
    const grown = new Uint32Array(Math.max(words, this.words.length * 2, 16));
    grown.set(this.words);
    this.words = grown;
  }
}

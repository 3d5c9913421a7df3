/**
 * A map that is never changed, only followed by another one. What changed since the base lies in a small overlay, so
 * the next version of a table with 100,000 files costs what changed and not 100,000 entries; the overlay is folded
 * into a new base when it has grown past a fraction of it.
 */
export class FileIndex<T> {
  static empty<T>(): FileIndex<T> {
    return new FileIndex<T>(new Map(), new Map(), 0);
  }

  private constructor(
    private readonly base: ReadonlyMap<string, T>,
    /** Undefined: gone since the base. */
    private readonly overlay: ReadonlyMap<string, T | undefined>,
    readonly size: number,
  ) {}

  get(key: string): T | undefined {
    return this.overlay.has(key) ? this.overlay.get(key) : this.base.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** In the order in which they came; what was replaced keeps no place. */
  *values(): IterableIterator<T> {
    for (const [key, value] of this.base) {
      if (!this.overlay.has(key)) yield value;
    }
    for (const value of this.overlay.values()) {
      if (value !== undefined) yield value;
    }
  }

  edit(): FileIndexEdit<T> {
    const { base } = this;
    const overlay = new Map(this.overlay);
    let { size } = this;
    const has = (key: string): boolean => (overlay.has(key) ? overlay.get(key) !== undefined : base.has(key));
    return {
      set(key, value) {
        if (overlay.has(key)) {
          if (overlay.get(key) === undefined) size++;
          // To the end: it came last.
          overlay.delete(key);
        } else if (!base.has(key)) size++;
        overlay.set(key, value);
      },
      delete(key) {
        if (!has(key)) return false;
        size--;
        if (base.has(key)) overlay.set(key, undefined);
        else overlay.delete(key);
        return true;
      },
      done: () => {
        if (base.size === 0) return new FileIndex<T>(overlay as Map<string, T>, new Map(), size);
        const edited = new FileIndex<T>(base, overlay, size);
        return overlay.size > OVERLAY_MIN + base.size / OVERLAY_FRACTION ? edited.folded() : edited;
      },
    };
  }

  private folded(): FileIndex<T> {
    const all = new Map<string, T>();
    for (const [key, value] of this.base) {
      if (!this.overlay.has(key)) all.set(key, value);
    }
    for (const [key, value] of this.overlay) {
      if (value !== undefined) all.set(key, value);
    }
    return new FileIndex<T>(all, new Map(), all.size);
  }
}

export interface FileIndexEdit<T> {
  set(key: string, value: T): void;
  /** @returns whether it was there. */
  delete(key: string): boolean;
  done(): FileIndex<T>;
}

const OVERLAY_MIN = 256;
const OVERLAY_FRACTION = 64;

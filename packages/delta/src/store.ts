/**
 * What a Delta table stands on: a flat namespace of objects, as a local folder or an object store gives it.
 * Five functions do all the touching; everything else in this package is pure.
 *
 * Paths are relative to the store's root, separated by `/`, never starting with one and never holding `..`.
 */
export interface Store {
  /** Where the root is, as a URL that another engine would understand: `file:///…`, `s3://bucket/prefix`, `memory:`. */
  readonly url: string;

  /**
   * Reads an object, or the bytes `[start, end)` of it.
   * @throws StoreError of kind `not-found` where there is no such object.
   */
  get(path: string, range?: { start: number; end: number }): Promise<Uint8Array>;

  /** Everything below `prefix` (a folder, or a folder and the beginning of a name), sorted by path, as UTF-8 bytes. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<StoreEntry>;

  /** Writes an object whole, durably, replacing what was there. A reader sees the old one or the new one. */
  put(path: string, data: Uint8Array): Promise<void>;

  /**
   * Writes an object whole and durably only if there is none: the commit point of the Delta protocol.
   * @returns false, having written nothing, where an object is there already.
   */
  putIfAbsent(path: string, data: Uint8Array): Promise<boolean>;

  /** Removes an object. Removing what is not there is no error. */
  delete(path: string): Promise<void>;

  /**
   * Writes an object whole, as `put` does, from a local file and with bounded memory, however large the file is.
   * Where a store does not have it, `put` takes the file's bytes.
   */
  putFile?(path: string, file: string): Promise<void>;

  /**
   * What a listing would say of one object; undefined where there is none. For stores where that takes less than a
   * listing does; where a store does not have it, there is a listing.
   */
  stat?(path: string): Promise<StoreEntry | undefined>;

  /** The object's path in the local file system, where it has one: an engine may then read and write it directly. */
  localPath?(path: string): string;
}

export interface StoreEntry {
  path: string;
  sizeBytes: number;
  modifiedMs: number;
}

export type StoreErrorKind = 'not-found' | 'forbidden' | 'full' | 'unavailable' | 'unsupported' | 'corrupt';

export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly kind: StoreErrorKind,
    message: string,
    /** The object concerned, relative to the store's root. */
    readonly path: string,
    readonly hint?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

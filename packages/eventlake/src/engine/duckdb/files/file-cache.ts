import { link, mkdir, readdir, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** How full the cache is after files were removed, and how much may come until it is looked at again. */
const FILLED_TO = 0.9;
const LOOK_AFTER = 0.05;

/**
 * Copies of files that never change, below about so many bytes, those removed first that were not used for longest. The
 * processes of a data folder share it without locks: a file is taken out as a hard link, which stays readable when the
 * cache, or another process, drops its own.
 */
export class FileCache {
  private bytesAdded = Number.POSITIVE_INFINITY;
  private trimming: Promise<void> | undefined;

  constructor(
    private readonly folder: string,
    private readonly bytesMax: number,
  ) {}

  /** Gives the file a second name. False where it is not there, or not whole. */
  async take(name: string, sizeBytes: number, to: string): Promise<boolean> {
    const path = join(this.folder, name);
    try {
      await link(path, to);
      const { size } = await stat(to);
      if (size === sizeBytes) {
        const now = new Date();
        await utimes(to, now, now);
        return true;
      }
      await unlink(to);
      await unlink(path);
      return false;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Keeps a file as well; the one given stays with its owner. */
  async keep(name: string, sizeBytes: number, file: string): Promise<void> {
    if (sizeBytes > this.bytesMax * FILLED_TO) return;
    await mkdir(this.folder, { recursive: true });
    try {
      await link(file, join(this.folder, name));
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
    this.bytesAdded += sizeBytes;
    if (this.bytesAdded < this.bytesMax * LOOK_AFTER) return;
    this.trimming ??= this.trim().finally(() => {
      this.trimming = undefined;
    });
    await this.trimming;
  }

  private async trim(): Promise<void> {
    this.bytesAdded = 0;
    const files: { path: string; size: number; usedMs: number }[] = [];
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      // Another process may be trimming, too.
      const found = await stat(path).catch(() => undefined);
      if (found) files.push({ path, size: found.size, usedMs: found.mtimeMs });
    }
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes <= this.bytesMax) return;
    for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= this.bytesMax * FILLED_TO) return;
      await unlink(path).catch(() => {});
      bytes -= size;
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

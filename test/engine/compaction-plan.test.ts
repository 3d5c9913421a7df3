import type { AddFile } from '@eventlake/delta';
import { describe, expect, test } from 'vitest';
import { filesToCompact } from '../../packages/eventlake/src/engine/delta/compaction-plan.js';

const MIB = 1024 * 1024;
const options = { targetBytes: 128 * MIB, minFiles: 10 };

let lastFile = 0;
const file = (size: number, day = '1'): AddFile => ({
  path: `f${++lastFile}`,
  partitionValues: { day },
  size,
  modificationTime: 0,
  dataChange: true,
});
const files = (count: number, size: number, day?: string) =>
  Array.from({ length: count }, () => file(size, day));

describe('which files are put together', () => {
  test('few are left alone', () => {
    expect(filesToCompact(files(9, 1000), options)).toBeUndefined();
    expect(filesToCompact([...files(9, 1000, '1'), ...files(9, 1000, '2')], options)).toBeUndefined();
  });

  test('many of one size, the oldest first, up to the next size', () => {
    const small = files(40, MIB);
    expect(filesToCompact(small, options)).toEqual(small.slice(0, 12));
    const tiny = files(10, 1000);
    expect(filesToCompact([file(100 * MIB), ...tiny, file(5 * MIB)], options)).toEqual(tiny);
  });

  test('large files are left alone, however many', () => {
    expect(filesToCompact(files(100, 96 * MIB), options)).toBeUndefined();
  });

  test('at least two, even where two are more than the next size', () => {
    const halves = files(10, 90 * MIB);
    expect(filesToCompact(halves, options)).toEqual(halves.slice(0, 2));
  });

  test('a stream of small files stays few files, and each row is written few times', () => {
    let live: AddFile[] = [];
    let written = 0;
    for (let commit = 0; commit < 20_000; commit++) {
      live.push(file(150_000));
      for (let step = filesToCompact(live, options); step; step = filesToCompact(live, options)) {
        const size = step.reduce((sum, { size }) => sum + size, 0);
        written += size;
        live = [...live.filter((file) => !step!.includes(file)), file(size)];
      }
    }
    expect(live.filter(({ size }) => size < 96 * MIB).length).toBeLessThan(40);
    expect(written / (20_000 * 150_000)).toBeLessThan(4);
  });
});

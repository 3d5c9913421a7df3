import type { AddFile, StructType } from '../../src/index.js';

/** A table of one number: enough for everything that happens in the log. */
export const NUMBERS: StructType = {
  type: 'struct',
  fields: [{ name: 'n', type: 'long', nullable: true, metadata: {} }],
};

export const DAYS: StructType = {
  type: 'struct',
  fields: [
    { name: 'n', type: 'long', nullable: true, metadata: {} },
    { name: 'day', type: 'date', nullable: true, metadata: {} },
  ],
};

/** A data file's action; the log does not look into the file itself. */
export function file(
  path: string,
  options: Partial<AddFile> & { n?: [min: number, max: number] } = {},
): AddFile {
  const { n = [1, 10], ...rest } = options;
  const stats = { numRecords: 10, minValues: { n: n[0] }, maxValues: { n: n[1] }, nullCount: { n: 0 } };
  return {
    path,
    partitionValues: {},
    size: 100,
    modificationTime: 1_700_000_000_000,
    dataChange: true,
    stats: JSON.stringify(stats),
    ...rest,
  };
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Blocks that the engine asks of the log. */
export const READ_BLOCK_BYTES = MIB;

/** What the spool gathers before it writes: one system call for thousands of records. */
export const SPOOL_BUFFER_BYTES = 2 * MIB;

/** A longer record is parsed on its own; the engine's line reader needs several times its longest line per thread. */
export const SPOOL_LINE_BYTES_MAX = 256 * KIB;

/** Shapes of records that are recognized at full speed. Each costs a little for the records that have another. */
export const LINE_TEMPLATES_MAX = 4;

/** Of the records looked at, how many have to have a shape for it to be tried on all. */
export const LINE_TEMPLATE_SHARE_MIN = 0.02;

/** Shapes whose frequency is remembered. */
export const LINE_TEMPLATES_KNOWN_MAX = 32;

/** Records that are looked at, per read, to learn their shapes. */
export const LINE_SAMPLES = 32;

/**
 * Rows of a Parquet row group: what an engine skips or reads as one, and what each thread that writes holds in memory; in a
 * partitioned table, each partition.
 */
export const ROW_GROUP_ROWS = 61_440;

/** A data file is ended when it has reached this size. */
export const DATA_FILE_BYTES = 256 * MIB;

/** Pieces in which files of an object store are fetched, and how many files at a time. */
export const FETCH_BYTES = 8 * MIB;
export const FETCHES_MAX = 6;

/** Files that are uploaded at the same time, each of them in a few parts. */
export const UPLOADS_MAX = 2;

/** What is kept of files of an object store, unless the settings say otherwise. */
export const CACHE_BYTES = 4 * 1024 * MIB;

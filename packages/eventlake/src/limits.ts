/** Bounds that hold everywhere. Those of one part only stand beside it. */

const MiB = 1024 * 1024;

/** One record's value. A longer one is refused before anything of its batch is appended. */
export const RECORD_BYTES_MAX = 16 * MiB;

/** The values of one append together. */
export const APPEND_BYTES_MAX = 64 * MiB;

/** How much of the log is handed out at once where the reader names no other size. */
export const READ_BLOCK_BYTES_DEFAULT = 4 * MiB;

export const PARTITIONS_MAX = 1024;

/** The effective settings: data, never components. Filled from defaults, `eventlake.config.ts`, `EVENTLAKE_*`, flags. */
export interface Settings {
  /** Absolute path; default `./.eventlake`. */
  dataDir: string;
  /** Module specifier of the pipeline, default `@eventlake/user-events`. */
  pipeline: string;
  /** URL or absolute path of the tables and checkpoints; default `<dataDir>/lakehouse`. */
  lakehouse: string;
  log: {
    partitions: number;
    retentionHours: number;
    retentionBytesMax: number;
  };
  engine: {
    /** Memory limit of one engine process, beyond which it spills to `<dataDir>/tmp`. */
    memoryMb: number;
    threads: number;
  };
  rawLanding: { commitIntervalMs: number; commitBytesMax: number };
  bronzeToSilver: { mode: 'merge' | 'overwrite'; intervalMs: number };
  silverToGold: { intervalMs: number };
  fastAgg: { commitIntervalMs: number; commitBytesMax: number };
  producer: {
    ratePerSecond: number;
    users: number;
    duplicates: number;
    malformed: number;
    late: number;
    outOfOrder: number;
  };
  clickhouse: {
    /** A server's URL; undefined: the embedded one, listening on host and port. */
    url?: string;
    user?: string;
    password?: string;
    host: string;
    port: number;
  };
  maintenance: {
    /** Compact a table when it has this many small files. */
    compactAfterFiles: number;
    compactTargetBytes: number;
    vacuumRetentionHours: number;
  };
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

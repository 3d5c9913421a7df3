/**
 * The actions of a Delta commit, as the protocol's section "Actions" spells them in JSON.
 * Field names are the protocol's; numbers are milliseconds since 1970 where the protocol says a timestamp.
 */
export interface AddFile {
  /** Relative to the table's root and URL-encoded, or an absolute URI. */
  path: string;
  /** Serialized as the section "Partition Value Serialization" says; null is SQL's NULL. */
  partitionValues: Record<string, string | null>;
  size: number;
  modificationTime: number;
  dataChange: boolean;
  /** JSON text of the section "Per-file Statistics". */
  stats?: string;
  tags?: Record<string, string> | null;
  deletionVector?: DeletionVectorDescriptor;
  baseRowId?: number;
  defaultRowCommitVersion?: number;
  clusteringProvider?: string;
}

export interface RemoveFile {
  path: string;
  deletionTimestamp?: number;
  dataChange: boolean;
  extendedFileMetadata?: boolean;
  partitionValues?: Record<string, string | null>;
  size?: number;
  stats?: string;
  tags?: Record<string, string> | null;
  deletionVector?: DeletionVectorDescriptor;
  baseRowId?: number;
  defaultRowCommitVersion?: number;
}

export interface DeletionVectorDescriptor {
  storageType: 'u' | 'i' | 'p';
  pathOrInlineDv: string;
  offset?: number;
  sizeInBytes: number;
  cardinality: number;
}

export interface AddCdcFile {
  path: string;
  partitionValues: Record<string, string | null>;
  size: number;
  dataChange: false;
  tags?: Record<string, string> | null;
}

export interface Metadata {
  id: string;
  name?: string | null;
  description?: string | null;
  format: { provider: string; options: Record<string, string> };
  /** JSON text of the section "Schema Serialization Format". */
  schemaString: string;
  partitionColumns: string[];
  configuration: Record<string, string>;
  createdTime?: number | null;
}

export interface Protocol {
  minReaderVersion: number;
  minWriterVersion: number;
  readerFeatures?: string[];
  writerFeatures?: string[];
}

/** Somebody's position: the section "Transaction Identifiers". */
export interface SetTransaction {
  appId: string;
  version: number;
  lastUpdated?: number;
}

export interface DomainMetadata {
  domain: string;
  configuration: string;
  removed: boolean;
}

export interface CommitInfo {
  timestamp: number;
  inCommitTimestamp?: number;
  operation?: string;
  operationParameters?: Record<string, unknown>;
  operationMetrics?: Record<string, string>;
  readVersion?: number;
  isolationLevel?: string;
  isBlindAppend?: boolean;
  engineInfo?: string;
  txnId?: string;
  userMetadata?: string;
  [key: string]: unknown;
}

export type Action =
  | { add: AddFile }
  | { remove: RemoveFile }
  | { cdc: AddCdcFile }
  | { metaData: Metadata }
  | { protocol: Protocol }
  | { txn: SetTransaction }
  | { domainMetadata: DomainMetadata }
  | { commitInfo: CommitInfo };

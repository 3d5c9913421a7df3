import type {
  Action,
  AddFile,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from '../actions.js';
import { DeltaError } from '../errors.js';
import type { Commit } from './commit-file.js';
import { FileIndex, type FileIndexEdit } from './file-index.js';
import { canonicalPath, fileKey } from './paths.js';

/** A table at one version, as the section "Action Reconciliation" defines it. Immutable. */
export interface LogState {
  version: number;
  timestampMs: number;
  protocol: Protocol;
  metadata: Metadata;
  files: FileIndex<AddFile>;
  /** Kept for vacuum, here and in other engines, until they expire. */
  tombstones: FileIndex<RemoveFile>;
  txns: ReadonlyMap<string, SetTransaction>;
  domains: ReadonlyMap<string, DomainMetadata>;
  sizeBytes: number;
}

/** Turns actions into a state. Pure; no I/O. */
export class Replay {
  private readonly files: FileIndexEdit<AddFile>;
  private readonly tombstones: FileIndexEdit<RemoveFile>;
  private readonly txns: Map<string, SetTransaction>;
  private readonly domains: Map<string, DomainMetadata>;
  private protocol: Protocol | undefined;
  private metadata: Metadata | undefined;
  private readonly touched = new Set<string>();
  private version: number;
  private timestampMs: number;

  constructor(
    private readonly table: string,
    private readonly before?: LogState,
  ) {
    this.files = (before?.files ?? FileIndex.empty<AddFile>()).edit();
    this.tombstones = (before?.tombstones ?? FileIndex.empty<RemoveFile>()).edit();
    this.txns = new Map(before?.txns);
    this.domains = new Map(before?.domains);
    this.protocol = before?.protocol;
    this.metadata = before?.metadata;
    this.version = before?.version ?? -1;
    this.timestampMs = before?.timestampMs ?? 0;
  }

  /** Some of a checkpoint's rows; all of them together are the complete state of its version. */
  checkpoint(version: number, timestampMs: number, actions: Iterable<Action>): this {
    for (const action of actions) this.apply(action);
    this.version = version;
    this.timestampMs = timestampMs;
    return this;
  }

  /** @throws DeltaError of kind `corrupt` where the commit contradicts itself. */
  commit(commit: Commit): this {
    checkNoDuplicates(commit, this.table);
    return this.compacted(commit);
  }

  /** Commits that somebody has reconciled: a file may have several tombstones, one for each deletion vector it had. */
  compacted(commit: Commit): this {
    for (const action of commit.actions) this.apply(action);
    this.version = commit.version;
    this.timestampMs = commit.timestampMs;
    return this;
  }

  /** For a version that came from a checkpoint, which does not keep its time. */
  committedAt(timestampMs: number): this {
    this.timestampMs = timestampMs;
    return this;
  }

  /** @throws DeltaError of kind `corrupt` where the log so far names no protocol or no metadata. */
  done(): LogState {
    const { protocol, metadata, version } = this;
    if (!protocol || !metadata) {
      const missing = protocol ? 'metadata' : 'protocol';
      throw new DeltaError('corrupt', `The log has no ${missing} up to version ${version}`, {
        table: this.table,
        version,
      });
    }
    const files = this.files.done();
    return {
      version,
      timestampMs: this.timestampMs,
      protocol,
      metadata,
      files,
      tombstones: this.tombstones.done(),
      txns: this.txns,
      domains: this.domains,
      sizeBytes: this.sizeOf(files),
    };
  }

  private apply(action: Action): void {
    if ('add' in action) this.add(action.add);
    else if ('remove' in action) this.remove(action.remove);
    else if ('metaData' in action) this.metadata = action.metaData;
    else if ('protocol' in action) this.protocol = action.protocol;
    else if ('txn' in action) this.txns.set(action.txn.appId, action.txn);
    else if ('domainMetadata' in action) this.domain(action.domainMetadata);
  }

  private add(add: AddFile): void {
    const key = fileKey(add);
    this.files.set(key, add);
    this.tombstones.delete(key);
    if (this.before) this.touched.add(key);
  }

  private remove(remove: RemoveFile): void {
    const key = fileKey(remove);
    this.files.delete(key);
    this.tombstones.set(key, remove);
    if (this.before) this.touched.add(key);
  }

  private domain(domain: DomainMetadata): void {
    if (domain.removed) this.domains.delete(domain.domain);
    else this.domains.set(domain.domain, domain);
  }

  /** Counts again only what was touched since the state before. */
  private sizeOf(files: FileIndex<AddFile>): number {
    const { before } = this;
    let sizeBytes = before?.sizeBytes ?? 0;
    if (before) {
      for (const key of this.touched)
        sizeBytes += (files.get(key)?.size ?? 0) - (before.files.get(key)?.size ?? 0);
    } else {
      for (const { size } of files.values()) sizeBytes += size;
    }
    return sizeBytes;
  }
}

/**
 * The section "Add File and Remove File": a version holds at most one action of a type for a path, and never both for
 * the same path and deletion vector, since its actions have no order. The same for everything else that reconciles.
 */
function checkNoDuplicates(commit: Commit, table: string): void {
  const seen = new Set<string>();
  for (const action of commit.actions) {
    for (const key of identities(action)) {
      if (seen.has(key)) {
        const what = key.slice(0, 200).replaceAll('\0', ' ');
        throw new DeltaError('corrupt', `Version ${commit.version} has two actions for one thing: ${what}`, {
          table,
          version: commit.version,
        });
      }
      seen.add(key);
    }
  }
}

function identities(action: Action): string[] {
  if ('add' in action) return [`add\0${canonicalPath(action.add.path)}`, `file\0${fileKey(action.add)}`];
  if ('remove' in action) {
    return [`remove\0${canonicalPath(action.remove.path)}`, `file\0${fileKey(action.remove)}`];
  }
  if ('txn' in action) return [`txn\0${action.txn.appId}`];
  if ('domainMetadata' in action) return [`domainMetadata\0${action.domainMetadata.domain}`];
  if ('metaData' in action) return ['metaData'];
  if ('protocol' in action) return ['protocol'];
  return [];
}

import type { AddCdcFile, AddFile } from '../actions.js';
import type { Change, Snapshot } from '../contract.js';
import { writeDeletionVectors } from '../deletion-vectors/descriptor.js';
import type { RowSet } from '../deletion-vectors/row-set.js';
import { hasFeature } from '../log/features.js';
import { isOn } from '../properties.js';
import { type DataPlace, FileReader } from '../rows/file-reader.js';
import type { StructField } from '../schema.js';
import { liveRecords } from '../stats.js';
import { FileWriter } from './file-writer.js';
import { statsWithDeletions } from './stats-text.js';

export type ChangeType = 'insert' | 'delete' | 'update_preimage' | 'update_postimage';

/** What a write needs besides the snapshot that it is computed from. */
export interface WritePlace extends DataPlace {
  nowMs(): number;
}

/** Collects what one change does to the rows of a snapshot, and writes the files that it takes. */
export class WriteSession {
  readonly writer: FileWriter;
  readonly usesDeletionVectors: boolean;
  /** Whether rows that change have to be told to the change data feed. */
  readonly usesChangeData: boolean;
  private readonly changeWriter: FileWriter;
  private readonly removed: AddFile[] = [];
  private readonly thinned: { file: AddFile; deleted: RowSet; rowCount: number }[] = [];

  constructor(
    private readonly place: WritePlace,
    private readonly snapshot: Snapshot,
  ) {
    const { protocol, metadata, schema } = snapshot;
    const properties = metadata.configuration;
    const nowMs = () => place.nowMs();
    this.usesDeletionVectors =
      isOn(properties, 'delta.enableDeletionVectors') && hasFeature(protocol, 'deletionVectors');
    this.usesChangeData =
      isOn(properties, 'delta.enableChangeDataFeed') && hasFeature(protocol, 'changeDataFeed');
    this.writer = new FileWriter(place.store, place.table, snapshot, nowMs);
    const withType = { ...snapshot, schema: { ...schema, fields: [...schema.fields, CHANGE_TYPE] } };
    this.changeWriter = new FileWriter(place.store, place.table, withType, nowMs, undefined, '_change_data/');
  }

  /** A row that the table did not have. */
  async insert(row: readonly unknown[]): Promise<void> {
    await this.writer.add(row);
    await this.change('insert', row);
  }

  /** Tells the change data feed, where the table has one. */
  async change(type: ChangeType, row: readonly unknown[]): Promise<void> {
    if (this.usesChangeData) await this.changeWriter.add([...row, type]);
  }

  /** The file goes, with all of its rows. */
  remove(file: AddFile): void {
    this.removed.push(file);
  }

  /** The file stays, without these rows. */
  thinOut(file: AddFile, deleted: RowSet, rowCount: number): void {
    this.removed.push(file);
    if (deleted.size < rowCount) this.thinned.push({ file, deleted, rowCount });
  }

  /** Writes what is left to be written. Nothing of it is visible before the change is committed. */
  async finish(): Promise<Pick<Change, 'add' | 'remove' | 'cdc'>> {
    const added = await this.writer.finish();
    const changed = await this.changeWriter.finish();
    const vectors = await writeDeletionVectors(
      this.place.store,
      this.place.table,
      this.thinned.map(({ deleted }) => deleted),
    );
    const thinned = this.thinned.map(({ file, rowCount }, i): AddFile => {
      const stats = statsWithDeletions(file.stats, rowCount);
      return { ...file, dataChange: true, stats, deletionVector: vectors[i]! };
    });
    return {
      add: [...thinned, ...added],
      remove: this.removed,
      ...(changed.length > 0 && { cdc: changed.map(cdcOf) }),
    };
  }

  /** From the statistics, else from the file. */
  async liveRows(file: AddFile): Promise<number> {
    const known = liveRecords(file);
    if (known !== undefined) return known;
    const { metadata } = await new FileReader(this.place, this.snapshot, []).open(file);
    return metadata.rowCount - (file.deletionVector?.cardinality ?? 0);
  }
}

const CHANGE_TYPE: StructField = { name: '_change_type', type: 'string', nullable: true, metadata: {} };

function cdcOf({ path, partitionValues, size }: AddFile): AddCdcFile {
  return { path, partitionValues, size, dataChange: false };
}

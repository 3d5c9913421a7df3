import { createTable, DeltaError, openTable, type Snapshot, type Store, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { TableDefinition } from '../../schema/definition.js';
import { deltaSchema } from '../../schema/types.js';
import type { TableState } from '../engine.js';
import { growDeltaTable } from './changes.js';

/** A version of a table, and where the table lies in the store. */
export interface TableVersion {
  path: string;
  snapshot: Snapshot;
}

/** The Delta tables of a store, each opened once: `gold.fact_events` lies at `gold/fact_events`. */
export class Tables {
  readonly #opened = new Map<string, Promise<Table>>();
  readonly #declared = new Map<string, ReadonlySet<string>>();

  constructor(readonly store: Store) {}

  /** @throws EventlakeError `not-found`. */
  async open(name: string): Promise<Table> {
    const opened = this.#opened.get(name) ?? openTable(this.store, pathOf(name));
    this.#opened.set(name, opened);
    try {
      return await opened;
    } catch (error) {
      this.#opened.delete(name);
      if (!(error instanceof DeltaError) || error.kind !== 'not-a-table') throw error;
      throw new EventlakeError('not-found', `There is no table ${name} yet`, { table: name });
    }
  }

  /** Without a version, the newest. */
  async read(name: string, version?: number): Promise<TableVersion> {
    const table = await this.open(name);
    return {
      path: table.path,
      snapshot: await table.snapshot(version === undefined ? undefined : { version }),
    };
  }

  /** Makes the table, or adds to the one that is there the columns that are new. */
  async create(definition: TableDefinition): Promise<void> {
    const { name, partitionBy = [] } = definition;
    const schema = deltaSchema(definition);
    const table = await createTable(
      this.store,
      pathOf(name),
      { schema, partitionBy, name },
      { ifNotExists: true },
    );
    this.#opened.set(name, Promise.resolve(table));
    this.#declared.set(name, new Set(schema.fields.map((field) => field.name)));
    await growDeltaTable(table, definition, { widens: false });
  }

  async state(name: string, appId: string | undefined): Promise<TableState> {
    const { snapshot } = await this.read(name);
    return {
      version: snapshot.version,
      txnVersion: appId === undefined ? undefined : snapshot.txn(appId),
      recordCount: snapshot.recordCount ?? 0,
      fileCount: snapshot.fileCount,
      sizeBytes: snapshot.sizeBytes,
    };
  }

  /** The columns of the table that its declaration has not (any more, or yet): new rows have null in them. */
  undeclared(name: string, { schema }: Snapshot): ReadonlySet<string> {
    const declared = this.#declared.get(name);
    return new Set(
      declared === undefined
        ? []
        : schema.fields.map((field) => field.name).filter((column) => !declared.has(column)),
    );
  }
}

function pathOf(name: string): string {
  return name.replaceAll('.', '/');
}

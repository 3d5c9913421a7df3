import { createTable, DeltaError, openTable, type Snapshot, type Store, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { TableDefinition } from '../../schema/definition.js';
import { deltaSchema } from '../../schema/types.js';
import { growDeltaTable } from '../delta-changes.js';

/** The Delta tables of a store, each opened once: `gold.fact_events` lies at `gold/fact_events`. */
export class Tables {
  readonly #store: Store;
  readonly #opened = new Map<string, Promise<Table>>();
  readonly #declared = new Map<string, ReadonlySet<string>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws EventlakeError `not-found`. */
  async open(name: string): Promise<Table> {
    const opened = this.#opened.get(name) ?? openTable(this.#store, pathOf(name));
    this.#opened.set(name, opened);
    try {
      return await opened;
    } catch (error) {
      this.#opened.delete(name);
      if (!(error instanceof DeltaError) || error.kind !== 'not-a-table') throw error;
      throw new EventlakeError('not-found', `There is no table ${name} yet`, { table: name });
    }
  }

  /** Makes the table, or adds to the one that is there the columns that are new. */
  async create(definition: TableDefinition): Promise<void> {
    const { name, partitionBy = [] } = definition;
    const schema = deltaSchema(definition);
    const table = await createTable(
      this.#store,
      pathOf(name),
      { schema, partitionBy, name },
      { ifNotExists: true },
    );
    this.#opened.set(name, Promise.resolve(table));
    this.#declared.set(name, new Set(schema.fields.map((field) => field.name)));
    await growDeltaTable(table, definition, { widens: false });
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

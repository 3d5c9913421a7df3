import { createTable, DeltaError, openTable, type Store, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { TableDefinition } from '../../schema/definition.js';
import { deltaSchema } from '../../schema/types.js';

/** The Delta tables of a store, each opened once: `gold.fact_events` lies at `gold/fact_events`. */
export class Tables {
  readonly #store: Store;
  readonly #opened = new Map<string, Promise<Table>>();

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

  /** Makes the table, or checks that the one that is there is as declared. */
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
    const snapshot = await table.snapshot();
    const columns = (fields: readonly { name: string; type: unknown }[]) =>
      JSON.stringify(fields.map(({ name, type }) => [name, type]));
    const differs =
      columns(snapshot.schema.fields) !== columns(schema.fields) ||
      JSON.stringify(snapshot.partitionColumns) !== JSON.stringify(partitionBy);
    if (!differs) return;
    throw new EventlakeError(
      'invalid',
      `The table ${name} has other columns than the pipeline declares`,
      { table: name },
      'Take another data folder for a pipeline with other fields.',
    );
  }
}

function pathOf(name: string): string {
  return name.replaceAll('.', '/');
}

import type { GoldTable, LiveTable, PipelineDefinition, ServingTable } from '../definition.js';
import { SqlName } from './sql.js';

/** A table in a query: `${table}`, and its columns, `${table.column.page}`. */
export class TableName<Column extends string> extends SqlName {
  constructor(
    name: string,
    readonly column: Readonly<Record<Column, SqlName>>,
  ) {
    super(name);
  }
}

type Live = PipelineDefinition['live'];
type LiveOf<L extends Live> = L['tables'][number] | L['late'];
type LiveColumn<T extends LiveTable> = 'window_start' | 'window_end' | T['by'][number] | T['count'];
type MirrorOf<G extends readonly GoldTable[]> = Extract<G[number], { serve: ServingTable }>['serve'];

export type ServedTables<L extends Live, G extends readonly GoldTable[]> = {
  readonly [T in LiveOf<L> as T['name']]: TableName<LiveColumn<T>>;
} & { readonly [T in MirrorOf<G> as T['name']]: TableName<T['columns'][number]['name']> };

/**
 * What a pipeline has in ClickHouse, by name, for its dashboards. With declarations that are literal (`as const`), the
 * compiler knows every table and column, and no others.
 */
export function servedTables<const L extends Live, const G extends readonly GoldTable[]>(
  live: L,
  gold: G,
): ServedTables<L, G> {
  const tables = [
    ...[...live.tables, live.late].map(({ name, by, count }) =>
      named(name, ['window_start', 'window_end', ...by, count]),
    ),
    ...gold.flatMap(({ serve }) => (serve ? [tableName(serve)] : [])),
  ];
  return Object.fromEntries(tables.map((table) => [table.text, table])) as unknown as ServedTables<L, G>;
}

export function tableName<const T extends ServingTable>(table: T): TableName<T['columns'][number]['name']> {
  return named(
    table.name,
    table.columns.map(({ name }) => name),
  );
}

function named<Column extends string>(name: string, columns: readonly Column[]): TableName<Column> {
  const column = Object.fromEntries(columns.map((text) => [text, new SqlName(text)]));
  return new TableName(name, column as Record<Column, SqlName>);
}

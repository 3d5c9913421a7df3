/** A step from a table as it is to the table as it is declared. */
export interface TableChange {
  in: 'delta' | 'clickhouse';
  table: string;
  change: 'create table' | 'add column' | 'widen column' | 'undeclared column' | 'incompatible';
  column?: string;
  from?: string;
  to?: string;
  /**
   * - `start`: costs nothing, and every start of a job does it;
   * - `apply`: rewrites data, or needs more of readers: `eventlake apply` does it;
   * - `drop`: loses data: `eventlake apply --drop` does it; until then the column stays, empty in new rows;
   * - `nobody`: stays as it is;
   * - `hand`: cannot be done here, for the reason in `why`.
   */
  by: 'start' | 'apply' | 'drop' | 'nobody' | 'hand';
  why?: string;
}

export interface ColumnShape {
  name: string;
  type: string;
}

export interface ColumnsToCompare {
  declared: readonly ColumnShape[];
  found: readonly ColumnShape[];
  isWider(from: string, to: string): boolean;
  /** Columns that rows are sorted or partitioned by: they stay as they are. */
  keys: readonly string[];
}

/** Pure: what the columns of a table that is there need. */
export function columnChanges(
  place: Pick<TableChange, 'in' | 'table'>,
  { declared, found, isWider, keys }: ColumnsToCompare,
): TableChange[] {
  const types = new Map(found.map(({ name, type }) => [name, type]));
  const names = new Set(declared.map(({ name }) => name));
  const needed = declared.flatMap(({ name, type: to }): TableChange[] => {
    const from = types.get(name);
    if (from === undefined) return [{ ...place, change: 'add column', column: name, to, by: 'start' }];
    if (from === to) return [];
    const step = { ...place, column: name, from, to };
    if (keys.includes(name))
      return [{ ...step, change: 'incompatible', by: 'hand', why: 'rows are sorted or partitioned by it' }];
    if (isWider(from, to)) return [{ ...step, change: 'widen column', by: 'apply' }];
    return [
      {
        ...step,
        change: 'incompatible',
        by: 'hand',
        why: 'not every value of the old type is one of the new',
      },
    ];
  });
  const undeclared = found
    .filter(({ name }) => !names.has(name))
    .map(
      ({ name, type }): TableChange => ({
        ...place,
        change: 'undeclared column',
        column: name,
        from: type,
        by: place.in === 'clickhouse' ? 'drop' : 'nobody',
      }),
    );
  return [...needed, ...undeclared];
}

/** `silver.orders: column amount integer → long` */
export function describeChange({ table, change, column, from, to, why }: TableChange): string {
  const types = [from, to].filter((type) => type !== undefined).join(' → ');
  const what = [change, column, types].filter(Boolean).join(' ');
  return `${table}: ${what}${why === undefined ? '' : ` (${why})`}`;
}

import { EventlakeError } from '../../errors.js';

/** A query of a dashboard. Made by `dashboardSql` only, so that it names nothing that is not declared. */
export type DashboardSql = string & { readonly _made: 'by dashboardSql' };

/** A table or column that the pipeline declares, as it is written in a query. */
export class SqlName {
  constructor(readonly text: string) {}
}

/**
 * A query in ClickHouse's SQL and the plugin's macros. Tables and columns come in by reference (`${table.column.page}`);
 * what is written out may only be SQL's own words, functions and aliases. FINAL is not among them: no table needs it.
 * @throws EventlakeError `invalid`, naming the word.
 */
export function dashboardSql(parts: TemplateStringsArray, ...names: (SqlName | number)[]): DashboardSql {
  const sql = parts.reduce((text, part, i) => `${text}${textOf(names[i - 1])}${part}`);
  const written = parts.join(' ? ').replaceAll(/'[^']*'|\$__\w+/g, ' ');
  const aliases = [...written.matchAll(/\bas\s+(\w+)/gi)].map(([, alias]) => alias!.toLowerCase());
  const allowed = new Set([...WORDS, ...aliases]);
  const unknown = written.match(/[A-Za-z_]\w*/g)?.find((word) => !allowed.has(word.toLowerCase()));
  if (unknown !== undefined) {
    throw new EventlakeError(
      'invalid',
      `A dashboard's query writes out ${unknown}, which is no word of SQL that dashboards use`,
      {},
      'Name tables and columns by reference, so that one that is not there cannot be named.',
    );
  }
  return sql.trim().replaceAll(/\s*\n\s*/g, '\n') as DashboardSql;
}

function textOf(name: SqlName | number | undefined): string {
  return name instanceof SqlName ? name.text : String(name);
}

const WORDS = new Set(
  `select as from where having group by order asc desc limit and or not in is null interval day hour minute second
   sum count countif max min any round greatest abs if argmax maxif minif uniq
   now todate todatetime datediff tostring`.split(/\s+/),
);

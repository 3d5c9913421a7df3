import type { Command } from 'commander';
import { EventlakeError } from '../../errors.js';
import { invoke } from '../invocation.js';
import { remark } from '../terminal/streams.js';

/** A table for people ends here; a format for machines does not. */
const PRETTY_ROWS_MAX = 1_000;

/** Out of which a table is made. */
const FOR_TABLE = 'JSONCompactEachRowWithNamesAndTypes';

export function registerQuery(program: Command): void {
  program
    .command('query')
    .description(
      'run a query on realtime, gold and the Delta tables, by the running endpoint or an embedded one',
    )
    .argument('[sql]', 'one statement; - or nothing: from stdin')
    .option('--format <name>', "one of ClickHouse's formats instead of a table: CSV, JSONEachRow, Parquet …")
    .addHelpText(
      'after',
      `
--json is --format JSON. A table shows at most ${PRETTY_ROWS_MAX} rows, a format all of them.

Examples:
  eventlake query "SELECT * FROM gold.daily_active_users ORDER BY event_date"
  eventlake query "SELECT event_type, sum(event_count) FROM realtime.events_per_minute GROUP BY 1" --json
  eventlake query "SELECT * FROM gold.conversion_rate_daily" --format CSVWithNames > rates.csv
  echo "SHOW TABLES FROM realtime" | eventlake query`,
    )
    .action(async (given: string | undefined, options: { format?: string }, command: Command) => {
      const { settings, json } = await invoke(command);
      const sql = await statement(given);
      const wanted = options.format ?? (json ? 'JSON' : FOR_TABLE);
      const { openClickHouse } = await import('../open/clickhouse.js');
      const clickhouse = await openClickHouse(settings);
      try {
        const startedMs = performance.now();
        const { body, format } = await clickhouse.ask(sql, wanted);
        if (wanted !== FOR_TABLE || format !== FOR_TABLE) return await toStdout(body);
        const shown = await showTable(body);
        if (process.stderr.isTTY && shown !== undefined) {
          const { formatDuration } = await import('../terminal/format.js');
          remark(
            `${shown} ${shown === 1 ? 'row' : 'rows'} in ${formatDuration(performance.now() - startedMs)}`,
          );
        }
      } finally {
        await clickhouse.close();
      }
    });
}

async function statement(given: string | undefined): Promise<string> {
  let sql = given;
  if (sql === undefined || sql === '-') {
    if (process.stdin.isTTY) {
      throw new EventlakeError('invalid', 'There is no query', {}, 'eventlake query "SELECT …"');
    }
    sql = '';
    for await (const chunk of process.stdin.setEncoding('utf8')) sql += chunk;
  }
  if (sql.trim() === '') throw new EventlakeError('invalid', 'The query is empty');
  return sql;
}

/** Waits for a slow reader of our stdout instead of piling up the result. */
async function toStdout(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** @returns how many rows were shown; undefined where the statement gives none. */
async function showTable(body: AsyncIterable<Uint8Array>): Promise<number | undefined> {
  const { createInterface } = await import('node:readline');
  const { Readable } = await import('node:stream');
  const rows: unknown[][] = [];
  let hasMore = false;
  const input = Readable.from(body, { objectMode: false });
  for await (const line of createInterface({ input })) {
    if (rows.length === PRETTY_ROWS_MAX + 2) {
      hasMore = true;
      break;
    }
    rows.push(JSON.parse(line) as unknown[]);
  }
  input.destroy();
  const [names, , ...values] = rows;
  if (!names) return undefined;
  const { renderTable } = await import('../terminal/table.js');
  const { print } = await import('../terminal/streams.js');
  print(
    renderTable(
      names.map(String),
      values.map((row) => row.map(cellOf)),
    ),
  );
  if (hasMore) remark(`Only the first ${PRETTY_ROWS_MAX} rows are shown; --format CSV gives all of them.`);
  return values.length;
}

function cellOf(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

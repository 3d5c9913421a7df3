// ClickHouse answers questions about tables, one line of JSON each; see judge.ts.
import { createInterface } from 'node:readline';
import { Session } from 'chdb';

const session = new Session();
let tables = 0;

// It takes the rows of a file from its footer, those in deletion vectors included.
const counting = 'optimize_count_from_files=0, optimize_trivial_count_query=0';
const settings =
  'output_format_json_quote_64bit_integers=1, output_format_json_quote_denormals=1, output_format_json_quote_decimals=1, ' +
  "output_format_json_named_tuples_as_objects=0, session_timezone='UTC', allow_experimental_delta_kernel_rs=1";

function lines(sql) {
  return session.query(sql, 'JSONCompactEachRow').trim().split('\n').filter(Boolean);
}

function query(sql) {
  return lines(sql).map((line) => JSON.parse(line));
}

const quote = (name) => `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

function open(path) {
  const name = `t${tables++}`;
  session.query(`CREATE TABLE ${name} ENGINE = DeltaLakeLocal('${path}')`);
  return name;
}

const ask = {
  // Rows as text: JavaScript's JSON would write -0 as 0. `hex` are the columns that are no text.
  look({ path, hex = [] }) {
    const table = open(path);
    const schema = query(`DESCRIBE TABLE ${table}`).map(([name, type]) => [name, type]);
    const columns = schema.map(([name]) => (hex.includes(name) ? `hex(${quote(name)})` : quote(name)));
    return {
      schema,
      rows: lines(`SELECT ${columns.join(', ')} FROM ${table} SETTINGS ${settings}`),
      count: Number(query(`SELECT count() FROM ${table} SETTINGS ${counting}`)[0][0]),
    };
  },
  where({ path, where }) {
    const table = open(path);
    return where.map((text) =>
      Number(query(`SELECT count() FROM ${table} WHERE ${text} SETTINGS ${settings}`)[0][0]),
    );
  },
  run({ sql }) {
    for (const statement of sql) session.query(statement);
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let answer;
  try {
    answer = { answer: ask[question.ask](question) };
  } catch (error) {
    answer = { error: String(error).slice(0, 4000) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
session.cleanup();
process.exit(0);

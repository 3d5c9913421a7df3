import { EventlakeError } from '../errors.js';
import type { EventDefinition, FieldDefinitions, PipelineDefinition } from './definition.js';
import { healthTables } from './health.js';
import { isPortableText } from './macros.js';
import { bookkeepingColumns, deltaTables } from './tables.js';

/**
 * Declares a kind of event: its fields, which of them identifies an event, which is its time and which its key in
 * the log. Tables, schemas, validation and the TypeScript type (`EventOf`) are derived from it.
 * @throws EventlakeError `invalid` where a name cannot be a column of every engine, or a role does not fit its field.
 */
export function defineEvent<const Fields extends FieldDefinitions>(
  event: EventDefinition<Fields> & { id: FieldName<Fields>; time: FieldName<Fields>; key: FieldName<Fields> },
): EventDefinition<Fields> {
  const problem = eventProblem(event);
  if (problem !== undefined) {
    throw new EventlakeError('invalid', `Event ${event.name}: ${problem.what}.`, {}, problem.hint);
  }
  return event;
}

/**
 * Declares a pipeline: an event and what is made of it.
 * @throws EventlakeError `invalid` where tables share a name or a live table groups by what may be missing.
 */
export function definePipeline(pipeline: PipelineDefinition): PipelineDefinition {
  const problem = pipelineProblem(pipeline);
  if (problem !== undefined) {
    throw new EventlakeError(
      'invalid',
      `Pipeline ${pipeline.event.name}: ${problem.what}.`,
      {},
      problem.hint,
    );
  }
  return pipeline;
}

type FieldName<Fields> = keyof Fields & string;

interface Problem {
  what: string;
  hint: string;
}

function eventProblem(event: EventDefinition): Problem | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(event.name)) {
    return {
      what: 'its name is no table name',
      hint: 'Use lower-case letters, digits and underscores: user_events.',
    };
  }
  for (const [name, field] of Object.entries(event.fields)) {
    const problem = columnNameProblem(name);
    if (problem !== undefined) return { what: `field ${name} ${problem}`, hint: 'Choose another name.' };
    if (field.kind === 'oneOf' && !field.values?.length) {
      return { what: `field ${name} allows no value`, hint: "List them: oneOf('web', 'mobile')." };
    }
    const odd = field.values?.find((value) => !isPortableText(value));
    if (odd !== undefined) {
      return {
        what: `field ${name} allows ${JSON.stringify(odd)}`,
        hint: 'Values have no backslashes and no control characters, which engines read differently.',
      };
    }
  }
  const roles = [
    ['id', event.id, ['uuid', 'text', 'oneOf', 'integer', 'long']],
    ['time', event.time, ['timestamp']],
    ['key', event.key, undefined],
  ] as const;
  for (const [role, name, kinds] of roles) {
    const field = event.fields[name];
    if (field === undefined) {
      return { what: `its ${role} is ${name}, which is no field`, hint: 'Name one of the fields.' };
    }
    if (kinds !== undefined && !(field.required && (kinds as readonly string[]).includes(field.kind))) {
      return {
        what: `field ${name} cannot be its ${role}`,
        hint: `The ${role} is a required field: ${kinds.join(', ')}.`,
      };
    }
  }
  return undefined;
}

function pipelineProblem(pipeline: PipelineDefinition): Problem | undefined {
  const { event, live, gold } = pipeline;
  const names = [
    ...deltaTables(pipeline).map((table) => table.name),
    ...[...live.tables, live.late].map((table) => table.name),
    ...gold.flatMap((table) => table.serve?.name ?? []),
    ...healthTables.map((table) => table.name),
  ];
  const twice = names.find((name, index) => names.indexOf(name) !== index && !isMirror(pipeline, name));
  if (twice !== undefined) return { what: `two tables are called ${twice}`, hint: 'Rename one.' };
  for (const table of [...live.tables, live.late]) {
    const loose = table.by.find((name) => event.fields[name]?.required !== true);
    if (loose !== undefined) {
      return {
        what: `${table.name} groups by ${loose}, which is no required field`,
        hint: 'A live table is sorted by its groups, and a sorting key has no nulls.',
      };
    }
  }
  if (live.windowMs <= 0 || live.windowMs % 1000 !== 0) {
    return { what: `a window of ${live.windowMs} ms`, hint: 'Windows are whole seconds.' };
  }
  return undefined;
}

/** A gold table may be served under the very name that it has in the lake. */
function isMirror(pipeline: PipelineDefinition, name: string): boolean {
  return pipeline.gold.some((table) => table.name === name && table.serve?.name === name);
}

function columnNameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return 'is not in lower-case letters, digits and underscores';
  if (name.startsWith('raw_')) return 'begins with raw_, as the columns for originals do';
  if (bookkeepingColumns.includes(name)) return 'is a column that every table has';
  if (reservedWords.has(name)) return 'is a reserved word of SQL';
  return undefined;
}

/** What no engine's SQL takes as an unquoted column: quoting is not portable (Spark reads "x" as a string literal). */
const reservedWords = new Set(
  `all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check collate collation
   column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
   current_timestamp current_user default deferrable desc describe distinct div do else end escape except false fetch
   filter for foreign freeze from full function generated glob global grant group having if ilike in initially inner
   intersect interval into is isnull join lambda lateral leading left like limit localtime localtimestamp map minus
   natural not notnull null offset on only or order outer over overlaps partition pivot pivot_longer pivot_wider placing
   positional primary qualify references returning right row rows select semi session_user show similar some struct
   summarize symmetric table tablesample then to trailing true try_cast union unique unknown unpack unpivot user using values
   variadic verbose when where window with within`.split(/\s+/),
);

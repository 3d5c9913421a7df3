import type { Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { hasFeature } from '../log/features.js';
import type { StructField } from '../schema.js';
import { type Check, compileCheck } from './expression.js';

/**
 * Everything that a table wants to be true of each row that is added: CHECK constraints and column invariants (the
 * sections of these names). NOT NULL is the schema's and is checked where rows are read.
 * @returns a function that throws DeltaError of kind `invalid` where a row breaks one
 * @throws DeltaError of kind `unsupported` where a constraint is beyond what can be evaluated here
 */
export function rowChecks({ protocol, metadata, schema }: Snapshot): (row: readonly unknown[]) => void {
  const checks: { name: string; sql: string; check: Check }[] = [];
  const add = (name: string, sql: string): void => {
    checks.push({ name, sql, check: compileCheck(sql, schema) });
  };
  if (hasFeature(protocol, 'checkConstraints')) {
    for (const [key, sql] of Object.entries(metadata.configuration)) {
      if (key.startsWith('delta.constraints.')) add(key.slice('delta.constraints.'.length), sql);
    }
  }
  if (hasFeature(protocol, 'invariants')) {
    for (const { field, sql } of invariantsOf(schema.fields)) add(`the invariant of ${field}`, sql);
  }
  return (row) => {
    for (const { name, sql, check } of checks) {
      if (check(row) !== true) {
        throw new DeltaError(
          'invalid',
          `A row breaks the constraint ${name}: ${sql}`,
          {},
          'Nothing was written to the table.',
        );
      }
    }
  };
}

function invariantsOf(fields: readonly StructField[]): { field: string; sql: string }[] {
  return fields.flatMap((field) => {
    const below =
      typeof field.type !== 'string' && field.type.type === 'struct' ? invariantsOf(field.type.fields) : [];
    const text = field.metadata['delta.invariants'];
    return text === undefined
      ? below
      : [{ field: field.name, sql: invariantSql(field.name, text) }, ...below];
  });
}

/** `{"expression": {"expression": "x > 3"}}`, as JSON in a text. */
function invariantSql(field: string, text: unknown): string {
  try {
    const sql = (JSON.parse(text as string) as { expression: { expression: unknown } }).expression.expression;
    if (typeof sql === 'string') return sql;
  } catch {
    // Falls through to the refusal.
  }
  throw new DeltaError(
    'unsupported',
    `The invariant of column ${field} is written in a way that is not known`,
  );
}

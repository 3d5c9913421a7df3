import type { Predicate } from '../contract.js';
import { DeltaError } from '../errors.js';

const WITH_VALUE = ['=', '!=', '<', '<=', '>', '>='];
const WITHOUT = ['is null', 'is not null'];

/**
 * From JavaScript anything may come, and a misspelt condition must not be taken for another one, whose rows would go.
 * @throws DeltaError of kind `invalid`
 */
export function checkPredicate(where: Predicate): void {
  if (typeof where !== 'object' || where === null) throw notOne(where);
  if ('and' in where || 'or' in where) {
    const terms: unknown = 'and' in where ? where.and : where.or;
    if (!Array.isArray(terms)) throw notOne(where);
    for (const term of terms) checkPredicate(term);
  } else if ('not' in where) checkPredicate(where.not);
  else if (!isComparison(where)) throw notOne(where);
}

function isComparison(where: Extract<Predicate, { column: string }>): boolean {
  const { op } = where;
  if (typeof where.column !== 'string') return false;
  if (WITH_VALUE.includes(op)) return 'value' in where && where.value !== undefined;
  return op === 'in' ? Array.isArray(where.values) : WITHOUT.includes(op);
}

function notOne(where: unknown): DeltaError {
  return new DeltaError(
    'invalid',
    `Not a condition: ${predicateText(where)}`,
    {},
    `It has a column, an op of ${[...WITH_VALUE, 'in', ...WITHOUT].join(', ')}, and a value or values; or and, or, not.`,
  );
}

/** As JSON, for messages and a table's history: integers that JavaScript holds as bigint are texts in it. */
export function predicateText(where: unknown): string {
  return JSON.stringify(where, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

import type { FieldDefinition } from './definition.js';

/** A required field; `.optional()` makes null, or the field's absence, valid as well. */
export interface Field<T> extends FieldDefinition<T> {
  optional(): FieldDefinition<T | null>;
}

/** A UUID in its canonical 36 characters, in any case; silver has it in lower case. */
export const uuid = (): Field<string> => field('uuid');

/** Any text, the empty one included. */
export const text = (): Field<string> => field('text');

/** A whole number of 32 bits, written as JSON writes one. */
export const integer = (): Field<number> => field('integer');

/** A whole number of 64 bits, written as JSON writes one. Beyond 2^53 a JavaScript number is not exact. */
export const long = (): Field<number> => field('long');

/** A finite number, written as JSON writes one. */
export const double = (): Field<number> => field('double');

/** `true` or `false`. */
export const boolean = (): Field<boolean> => field('boolean');

/** One of these texts, in exactly this case. */
export const oneOf = <const Value extends string>(...values: readonly Value[]): Field<Value> =>
  field('oneOf', values);

/**
 * A point in time in ISO 8601: date, `T`, time with seconds, a fraction of up to nine digits (kept to the
 * microsecond), and an offset (`Z`, `±hh:mm` or `±hhmm`). The date has to exist.
 */
export const timestamp = (): Field<string> => field('timestamp');

function field<T>(kind: FieldDefinition['kind'], values?: readonly string[]): Field<T> {
  const rule = values === undefined ? { kind } : { kind, values };
  return { ...rule, required: true, optional: () => ({ ...rule, required: false }) };
}

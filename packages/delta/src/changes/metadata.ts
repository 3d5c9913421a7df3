import type { Metadata } from '../actions.js';
import type { Change, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { hasFeature, upgraded, withoutFeatureRequests } from '../log/features.js';
import { isOn } from '../properties.js';
import type { PrimitiveType, StructField, StructType } from '../schema.js';

/**
 * Sets table properties; null takes one away. Adds what the protocol then needs.
 * @throws DeltaError of kind `unsupported` for a property that would need the data to be looked at or mapped.
 */
export function setProperties(snapshot: Snapshot, properties: Record<string, string | null>): Change {
  const refused = Object.keys(properties).find(
    (key) => key.startsWith('delta.constraints.') || key.startsWith('delta.columnMapping.'),
  );
  if (refused && properties[refused] !== null) {
    throw new DeltaError('unsupported', `The property ${refused} cannot be set on a table that is there`);
  }
  const requested = { ...snapshot.metadata.configuration };
  for (const [key, value] of Object.entries(properties)) {
    if (value === null) delete requested[key];
    else requested[key] = value;
  }
  return metadataChange(snapshot, 'SET TBLPROPERTIES', snapshot.schema, requested, { properties });
}

/**
 * Adds a column, or a field in a struct (`a.b`), at the end. Rows that are there have NULL in it.
 * @throws DeltaError of kind `invalid` where there is one of that name, whatever its case, or where it is not nullable.
 */
export function addColumn(snapshot: Snapshot, field: StructField, parent = ''): Change {
  if (!field.nullable) throw new DeltaError('invalid', `The new column ${field.name} has to be nullable`);
  const schema = changeStruct(snapshot.schema, parent === '' ? [] : parent.split('.'), (fields) => {
    if (fields.some(({ name }) => name.toLowerCase() === field.name.toLowerCase())) {
      throw new DeltaError('invalid', `There is a column ${field.name} already`);
    }
    return [...fields, field];
  });
  return metadataChange(snapshot, 'ADD COLUMNS', schema, snapshot.metadata.configuration, {
    columns: [field],
  });
}

/**
 * Makes a column's type wider: the section "Type Widening". Files that are there keep the narrow type.
 * @throws DeltaError of kind `invalid` where the table has no widening or the type is no wider one.
 */
export function widenColumn(snapshot: Snapshot, column: string, toType: PrimitiveType): Change {
  const { configuration } = snapshot.metadata;
  if (!isOn(configuration, 'delta.enableTypeWidening') || !hasFeature(snapshot.protocol, 'typeWidening')) {
    throw new DeltaError(
      'invalid',
      'The table has no type widening',
      {},
      'Set delta.enableTypeWidening to true first.',
    );
  }
  const path = column.split('.');
  const schema = changeStruct(snapshot.schema, path.slice(0, -1), (fields) =>
    fields.map((field) => (field.name === path.at(-1) ? widened(field, toType) : field)),
  );
  if (schema === snapshot.schema || JSON.stringify(schema) === JSON.stringify(snapshot.schema)) {
    throw new DeltaError('invalid', `The table has no column ${column}`);
  }
  const parameters = { column: { name: column, type: toType } };
  return metadataChange(snapshot, 'CHANGE COLUMN', schema, configuration, parameters);
}

function metadataChange(
  snapshot: Snapshot,
  operation: string,
  schema: StructType,
  requested: Record<string, string>,
  parameters: Record<string, unknown>,
): Change {
  const metadata: Metadata = {
    ...snapshot.metadata,
    schemaString: JSON.stringify(schema),
    configuration: withoutFeatureRequests(requested),
  };
  const protocol = upgraded(snapshot.protocol, schema, requested);
  return {
    operation,
    operationParameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    readVersion: snapshot.version,
    read: 'none',
    metadata,
    ...(protocol !== snapshot.protocol && { protocol }),
  };
}

function changeStruct(
  struct: StructType,
  path: readonly string[],
  change: (fields: StructField[]) => StructField[],
): StructType {
  const [first, ...rest] = path;
  if (first === undefined) return { type: 'struct', fields: change(struct.fields) };
  const parent = struct.fields.find(({ name }) => name === first);
  if (!parent || typeof parent.type === 'string' || parent.type.type !== 'struct') {
    throw new DeltaError('invalid', `The table has no struct ${first}`);
  }
  const type = changeStruct(parent.type, rest, change);
  return {
    type: 'struct',
    fields: struct.fields.map((field) => (field === parent ? { ...field, type } : field)),
  };
}

function widened(field: StructField, toType: PrimitiveType): StructField {
  const { type } = field;
  if (typeof type !== 'string' || !isWider(type, toType)) {
    const from = typeof type === 'string' ? type : type.type;
    throw new DeltaError('invalid', `The column ${field.name} of type ${from} cannot become ${toType}`);
  }
  const before = field.metadata['delta.typeChanges'];
  const typeChanges = [...(Array.isArray(before) ? before : []), { fromType: type, toType }];
  return { ...field, type: toType, metadata: { ...field.metadata, 'delta.typeChanges': typeChanges } };
}

/** The changes that the section "Type Widening" allows. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
};

/** Digits before the point that a whole type may need, to become a decimal. */
const WHOLE_DIGITS: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };

/** Whether values of a type can be read as another one: the section "Type Widening". */
export function isWider(from: string, to: string): boolean {
  if (WIDER[from]?.includes(to)) return true;
  const target = decimalOf(to);
  if (!target) return false;
  const whole = WHOLE_DIGITS[from];
  if (whole !== undefined) return target.precision - target.scale >= whole;
  const source = decimalOf(from);
  if (!source || from === to) return false;
  return target.scale >= source.scale && target.precision - target.scale >= source.precision - source.scale;
}

function decimalOf(type: string): { precision: number; scale: number } | null {
  const match = /^decimal\((\d+), ?(\d+)\)$/.exec(type);
  return match && { precision: Number(match[1]), scale: Number(match[2]) };
}

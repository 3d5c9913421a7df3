import type { DataType, StructType } from '../../src/index.js';

const PRIMITIVES: Readonly<Record<string, string>> = {
  boolean: 'Bool',
  byte: 'Int8',
  short: 'Int16',
  integer: 'Int32',
  long: 'Int64',
  float: 'Float32',
  double: 'Float64',
  string: 'String',
  binary: 'String',
  date: 'Date32',
  // It shows both in the session's zone, which the judge sets to UTC.
  timestamp: 'DateTime64(6)',
  timestamp_ntz: 'DateTime64(6)',
};

/** The columns of a table as ClickHouse has to describe them. */
export function clickHouseColumns({ fields }: StructType): [name: string, type: string][] {
  return fields.map(({ name, type, nullable }) => [name, clickHouseType(type, nullable)]);
}

/** Without the line breaks in which it shows tuples. */
export function described(schema: unknown): [name: string, type: string][] {
  return (schema as [string, string][]).map(([name, type]) => [
    name,
    type.replace(/\(\n\s*/g, '(').replace(/\n\s*/g, ' '),
  ]);
}

/** It has no NULL in place of a struct, a list or a map. */
function clickHouseType(type: DataType, nullable: boolean): string {
  if (typeof type === 'string') {
    const name = PRIMITIVES[type] ?? type.replace(/^decimal\((\d+), ?(\d+)\)$/, 'Decimal($1, $2)');
    return nullable ? `Nullable(${name})` : name;
  }
  switch (type.type) {
    case 'struct':
      return `Tuple(${type.fields.map((field) => `${field.name} ${clickHouseType(field.type, field.nullable)}`).join(', ')})`;
    case 'array':
      return `Array(${clickHouseType(type.elementType, type.containsNull)})`;
    case 'map':
      return `Map(${clickHouseType(type.keyType, false)}, ${clickHouseType(type.valueType, type.valueContainsNull)})`;
  }
}

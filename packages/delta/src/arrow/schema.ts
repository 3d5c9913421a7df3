import { decimalOf } from '../parquet/convert.js';
import type { DataType, PrimitiveType, StructField } from '../schema.js';
import { bool, byte, FlatBuffer, int, long, ref, type Slot, short } from './flat-buffer.js';

/** `MetadataVersion.V5` of Arrow's Schema.fbs. */
const V5 = 4;
const HEADER = { schema: 1, recordBatch: 3 } as const;

/** A `Message` with the columns' names and types: the beginning of a stream. */
export function schemaMessage(fields: readonly StructField[]): Uint8Array {
  const into = new FlatBuffer();
  const schema = into.table(short(0), ref(into.references(fields.map((field) => fieldIn(into, field)))));
  return finish(into, HEADER.schema, schema, 0);
}

/** Rows and nulls of each column, and where in the body each buffer is, depth first. */
export interface BatchLayout {
  rowCount: number;
  nodes: readonly (readonly [rows: number, nulls: number])[];
  buffers: readonly (readonly [offset: number, length: number])[];
  bodyBytes: number;
}

export function batchMessage({ rowCount, nodes, buffers, bodyBytes }: BatchLayout): Uint8Array {
  const into = new FlatBuffer();
  const places = into.pairs(buffers);
  const batch = into.table(long(rowCount), ref(into.pairs(nodes)), ref(places));
  return finish(into, HEADER.recordBatch, batch, bodyBytes);
}

function finish(into: FlatBuffer, header: number, at: number, bodyBytes: number): Uint8Array {
  return into.finish(into.table(short(V5), byte(header), ref(at), long(bodyBytes)));
}

/** The fields that a type is made of, as Arrow names them. */
export function childrenOf(type: DataType): readonly StructField[] {
  if (typeof type === 'string') return [];
  switch (type.type) {
    case 'struct':
      return type.fields;
    case 'array':
      return [child('element', type.elementType, type.containsNull)];
    case 'map': {
      const entry = [
        child('key', type.keyType, false),
        child('value', type.valueType, type.valueContainsNull),
      ];
      return [child('key_value', { type: 'struct', fields: entry }, false)];
    }
  }
}

function child(name: string, type: DataType, nullable: boolean): StructField {
  return { name, type, nullable, metadata: {} };
}

function fieldIn(into: FlatBuffer, { name, type, nullable }: StructField): number {
  const children = into.references(childrenOf(type).map((field) => fieldIn(into, field)));
  const [id, slots] = typeof type === 'string' ? primitive(into, type) : NESTED[type.type];
  const of = into.table(...slots);
  return into.table(ref(into.text(name)), bool(nullable), byte(id), ref(of), undefined, ref(children));
}

/** The number of a type in Arrow's union `Type`, and the slots of its table. */
type ArrowType = [id: number, slots: Slot[]];

const NESTED = {
  array: [12, []],
  struct: [13, []],
  map: [17, [bool(false)]],
} satisfies Record<string, ArrowType>;

const MICROSECOND = 2;

function primitive(into: FlatBuffer, type: PrimitiveType): ArrowType {
  switch (type) {
    case 'void':
      return [1, []];
    case 'byte':
      return [2, [int(8), bool(true)]];
    case 'short':
      return [2, [int(16), bool(true)]];
    case 'integer':
      return [2, [int(32), bool(true)]];
    case 'long':
      return [2, [int(64), bool(true)]];
    case 'float':
      return [3, [short(1)]];
    case 'double':
      return [3, [short(2)]];
    case 'binary':
      return [4, []];
    case 'string':
      return [5, []];
    case 'boolean':
      return [6, []];
    case 'date':
      return [8, [short(0)]];
    case 'timestamp':
      return [10, [short(MICROSECOND), ref(into.text('UTC'))]];
    case 'timestamp_ntz':
      return [10, [short(MICROSECOND)]];
    default: {
      const { precision, scale } = decimalOf(type) as { precision: number; scale: number };
      return [7, [int(precision), int(scale), int(128)]];
    }
  }
}

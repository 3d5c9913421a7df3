import type { SchemaElement } from 'hyparquet';
import type { DataType, StructType } from '../schema.js';
import { parquetSchemaOf } from './parquet-schema.js';
import { leafValue } from './parquet-value.js';

/** One column chunk to be: its values with nulls, and Dremel's levels. */
export interface LeafColumn {
  /** From the schema's root to the leaf. */
  schemaPath: SchemaElement[];
  maxDefinition: number;
  values: unknown[];
  definition: number[];
  /** Empty where nothing above repeats. */
  repetition: number[];
}

/**
 * Takes rows apart into column chunks: Dremel's record shredding, as the Parquet format's "Nested Encoding" has it.
 * Made for rows of which each fills one of many columns: what a row does not have costs nothing.
 */
export class RowShredder {
  private readonly columns: Map<string, TopColumn>;
  private rows = 0;

  constructor(schema: StructType) {
    const elements = parquetSchemaOf(schema);
    const root = elements[0]!;
    let at = 1;
    this.columns = new Map(
      schema.fields.map(({ name, type }) => {
        const built = build(elements, at, [root], type, { definition: 0, repetition: 0 });
        at = built.next;
        return [name, { seen: 0, ...built }];
      }),
    );
  }

  add(row: object): void {
    for (const [name, value] of Object.entries(row)) {
      const column = this.columns.get(name);
      if (!column || value === null || value === undefined) continue;
      this.padTo(column, this.rows);
      column.node.put(value, 0);
      column.seen = this.rows + 1;
    }
    this.rows++;
  }

  /** The column chunks of the rows since the last call. */
  take(): { rowCount: number; leaves: LeafColumn[] } {
    const rowCount = this.rows;
    // Shared by all columns that none of the rows has: most of them, mostly.
    const values = new Array<null>(rowCount).fill(null);
    const zeros = new Array<number>(rowCount).fill(0);
    const leaves: LeafColumn[] = [];
    for (const column of this.columns.values()) {
      if (column.seen > 0) this.padTo(column, rowCount);
      for (const leaf of column.leaves) {
        const { schemaPath, maxDefinition, isRepeated } = leaf;
        const own = column.seen > 0 ? leaf : { values, definition: zeros, repetition: zeros };
        const repetition = isRepeated ? own.repetition : [];
        leaves.push({
          schemaPath,
          maxDefinition,
          values: own.values,
          definition: own.definition,
          repetition,
        });
        leaf.values = [];
        leaf.definition = [];
        leaf.repetition = [];
      }
      column.seen = 0;
    }
    this.rows = 0;
    return { rowCount, leaves };
  }

  private padTo(column: TopColumn, row: number): void {
    for (; column.seen < row; column.seen++) column.node.putNull(0, 0);
  }
}

interface TopColumn extends Built {
  /** Rows that its leaves have something for. */
  seen: number;
}

interface Leaf extends LeafColumn {
  isRepeated: boolean;
}

/** A node of the schema that takes values. */
interface Node {
  put(value: unknown, repetition: number): void;
  /** NULL from a level on: in this node, or in one above. */
  putNull(definition: number, repetition: number): void;
}

interface Built {
  node: Node;
  leaves: Leaf[];
  /** Where the elements after this node begin. */
  next: number;
}

interface Levels {
  definition: number;
  repetition: number;
}

/** The node at `elements[at]`, which is optional where `above` has another definition level than it. */
function build(
  elements: readonly SchemaElement[],
  at: number,
  path: SchemaElement[],
  type: DataType,
  above: Levels,
): Built {
  const element = elements[at]!;
  const schemaPath = [...path, element];
  const definition = above.definition + (element.repetition_type === 'OPTIONAL' ? 1 : 0);
  const levels = { definition, repetition: above.repetition };
  if (typeof type === 'string') return leafNode(schemaPath, type, levels, at + 1);
  if (type.type === 'struct') return structNode(elements, at + 1, schemaPath, type, levels);
  // The group in between repeats.
  const inner = { definition: definition + 1, repetition: above.repetition + 1 };
  const innerPath = [...schemaPath, elements[at + 1]!];
  if (type.type === 'array') {
    const item = build(elements, at + 2, innerPath, type.elementType, inner);
    return { ...item, node: listNode(item.node, levels) };
  }
  const key = build(elements, at + 2, innerPath, type.keyType, inner);
  const value = build(elements, key.next, innerPath, type.valueType, inner);
  const node = mapNode(key.node, value.node, levels);
  return { node, leaves: [...key.leaves, ...value.leaves], next: value.next };
}

function leafNode(
  schemaPath: SchemaElement[],
  type: DataType,
  { definition, repetition }: Levels,
  next: number,
): Built {
  const convert = leafValue(type);
  const isRequired = schemaPath.at(-1)!.repetition_type === 'REQUIRED';
  const leaf: Leaf = {
    schemaPath,
    maxDefinition: definition,
    isRepeated: repetition > 0,
    values: [],
    definition: [],
    repetition: [],
  };
  const push = (value: unknown, defined: number, repeated: number): void => {
    leaf.values.push(value);
    leaf.definition.push(defined);
    if (leaf.isRepeated) leaf.repetition.push(repeated);
  };
  const node: Node = {
    put(value, repeated) {
      const converted = convert(value);
      push(converted, converted === null && !isRequired ? definition - 1 : definition, repeated);
    },
    putNull: (defined, repeated) => push(null, defined, repeated),
  };
  return { node, leaves: [leaf], next };
}

function structNode(
  elements: readonly SchemaElement[],
  at: number,
  path: SchemaElement[],
  { fields }: StructType,
  levels: Levels,
): Built {
  let next = at;
  const children = fields.map(({ name, type }) => {
    const built = build(elements, next, path, type, levels);
    next = built.next;
    return { name, ...built };
  });
  const node: Node = {
    put(value, repetition) {
      const struct = asRecord(value);
      for (const child of children) {
        const field = struct !== null && Object.hasOwn(struct, child.name) ? struct[child.name] : null;
        if (field === null || field === undefined) child.node.putNull(levels.definition, repetition);
        else child.node.put(field, repetition);
      }
    },
    putNull(definition, repetition) {
      for (const child of children) child.node.putNull(definition, repetition);
    },
  };
  return { node, leaves: children.flatMap(({ leaves }) => leaves), next };
}

function listNode(item: Node, levels: Levels): Node {
  return {
    put(value, repetition) {
      const items = Array.isArray(value) ? value : [];
      if (items.length === 0) item.putNull(levels.definition, repetition);
      for (const [i, each] of items.entries()) {
        putOrNull(item, each, levels.definition + 1, i === 0 ? repetition : levels.repetition + 1);
      }
    },
    putNull: item.putNull,
  };
}

function mapNode(key: Node, value: Node, levels: Levels): Node {
  const putNull = (definition: number, repetition: number): void => {
    key.putNull(definition, repetition);
    value.putNull(definition, repetition);
  };
  return {
    put(map, first) {
      const entries = Object.entries(asRecord(map) ?? {});
      if (entries.length === 0) putNull(levels.definition, first);
      for (const [i, [name, of]] of entries.entries()) {
        const repetition = i === 0 ? first : levels.repetition + 1;
        key.put(name, repetition);
        putOrNull(value, of, levels.definition + 1, repetition);
      }
    },
    putNull,
  };
}

function putOrNull(node: Node, value: unknown, definition: number, repetition: number): void {
  if (value === null || value === undefined) node.putNull(definition, repetition);
  else node.put(value, repetition);
}

function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

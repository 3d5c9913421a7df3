import type { LeafData, PhysicalArray } from './column.js';
import type { ParquetNode } from './metadata.js';
import { leavesOf, type ReadPlan } from './plan.js';
import { ParquetError } from './thrift.js';

/** A column of some rows. `values[i]` counts only where `nulls` does not say 1; booleans are 0 and 1. */
export interface Vector {
  readonly values: PhysicalArray;
  readonly nulls: Uint8Array | undefined;
}

/** Makes a column of `rowCount` rows of the leaves that its plan names. @throws ParquetError */
export function assemble(
  plan: ReadPlan,
  leaves: ReadonlyMap<ParquetNode, LeafData>,
  rowCount: number,
): Vector {
  if (plan.kind === 'missing') return { values: [], nulls: new Uint8Array(rowCount).fill(1) };
  if (plan.kind === 'leaf') return flat(leafData(plan.node, leaves), plan, rowCount);
  const cursors = new Map<ParquetNode, Cursor>();
  for (const [node, conversion] of leavesOf(plan)) {
    const data = leafData(node, leaves);
    const values = conversion?.convert ? conversion.convert(data.values, data.valueCount) : data.values;
    cursors.set(node, { data, values, at: 0, value: 0 });
  }
  const read = nested(plan, cursors);
  const values: unknown[] = new Array(rowCount);
  const nulls = new Uint8Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    const value = read();
    if (value === null) nulls[i] = 1;
    else values[i] = value;
  }
  for (const cursor of cursors.values()) {
    if (cursor.at !== cursor.data.length) throw new ParquetError('more values than rows');
  }
  return { values, nulls };
}

/** Sets a property whatever its name is: `__proto__` must stay a name. */
export function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  } else target[name] = value;
}

function flat(data: LeafData, plan: ReadPlan & { kind: 'leaf' }, rowCount: number): Vector {
  if (data.repetition || data.length !== rowCount)
    throw new ParquetError('a column of another length than its row group');
  const { valueCount, definition } = data;
  const convert = plan.conversion.convert;
  const dense = convert ? convert(data.values, valueCount) : data.values;
  if (definition === undefined || valueCount === rowCount) return { values: dense, nulls: undefined };
  const nulls = new Uint8Array(rowCount);
  const values: PhysicalArray = Array.isArray(dense)
    ? new Array(rowCount)
    : new (dense.constructor as new (n: number) => Int32Array)(rowCount);
  const max = data.node.maxDefinition;
  let next = 0;
  for (let i = 0; i < rowCount; i++) {
    if (definition[i] === max) (values as unknown[])[i] = dense[next++];
    else nulls[i] = 1;
  }
  return { values, nulls };
}

interface Cursor {
  readonly data: LeafData;
  readonly values: PhysicalArray;
  /** The next level, and the next value that is not null. */
  at: number;
  value: number;
}

type Cursors = ReadonlyMap<ParquetNode, Cursor>;

/** Dremel's record assembly: each call gives the next value of the plan's node. */
function nested(plan: ReadPlan, cursors: Cursors): () => unknown {
  switch (plan.kind) {
    case 'missing':
      return () => null;
    case 'leaf':
      return leafReader(plan.node, cursorOf(plan.node, cursors));
    case 'struct':
      return structReader(plan, cursors);
    case 'list': {
      const read = nested(plan.element, cursors);
      const repeat = repeater(plan, cursors);
      return () => {
        const items: unknown[] = [];
        return repeat(() => items.push(read())) ? items : null;
      };
    }
    case 'map': {
      const key = nested(plan.key, cursors);
      const value = nested(plan.value, cursors);
      const repeat = repeater(plan, cursors);
      return () => {
        const entries = new Map<unknown, unknown>();
        return repeat(() => entries.set(key(), value())) ? entries : null;
      };
    }
  }
}

function leafReader(node: ParquetNode, cursor: Cursor): () => unknown {
  const boolean = node.physical === 'BOOLEAN';
  return () => {
    const at = cursor.at++;
    if (definitionAt(cursor, at) !== node.maxDefinition) return null;
    const value = cursor.values[cursor.value++];
    return boolean ? value === 1 : value;
  };
}

function structReader(plan: ReadPlan & { kind: 'struct' }, cursors: Cursors): () => unknown {
  const { maxDefinition, maxRepetition } = plan.node;
  const witness = cursorOf(plan.witness, cursors);
  const fields = plan.fields.map((f) => ({ name: f.name, read: nested(f.plan, cursors) }));
  const below = cursorsBelow(plan, cursors);
  // Where the file has none of the fields, nobody else moves the witness on.
  const alone = plan.fields.every((f) => f.plan.kind === 'missing');
  return () => {
    if (definitionAt(witness, witness.at) < maxDefinition) return skip(below);
    if (alone) {
      do skipOne(witness);
      while ((witness.data.repetition?.[witness.at] ?? 0) > maxRepetition);
    }
    const value: Record<string, unknown> = {};
    for (const field of fields) setField(value, field.name, field.read());
    return value;
  };
}

/** Calls `each` for each repetition; false where the list itself is null. */
function repeater(
  plan: ReadPlan & { kind: 'list' | 'map' },
  cursors: Cursors,
): (each: () => void) => boolean {
  const witness = cursorOf(plan.witness, cursors);
  const below = cursorsBelow(plan, cursors);
  const present = plan.node.maxDefinition;
  const { maxDefinition, maxRepetition } = plan.repeated;
  return (each) => {
    const definition = definitionAt(witness, witness.at);
    if (definition < maxDefinition) {
      skip(below);
      return definition >= present;
    }
    do each();
    while (witness.at < witness.data.length && witness.data.repetition?.[witness.at] === maxRepetition);
    return true;
  };
}

function definitionAt(cursor: Cursor, at: number): number {
  if (at >= cursor.data.length) throw new ParquetError('fewer values than rows');
  return cursor.data.definition ? (cursor.data.definition[at] as number) : 0;
}

function skip(cursors: readonly Cursor[]): null {
  for (const cursor of cursors) skipOne(cursor);
  return null;
}

function skipOne(cursor: Cursor): void {
  if (definitionAt(cursor, cursor.at) === cursor.data.node.maxDefinition) cursor.value++;
  cursor.at++;
}

function cursorOf(node: ParquetNode, cursors: Cursors): Cursor {
  const cursor = cursors.get(node);
  if (cursor === undefined) throw new ParquetError(`column ${node.name} was not read`);
  return cursor;
}

function cursorsBelow(plan: ReadPlan, cursors: Cursors): Cursor[] {
  return [...leavesOf(plan).keys()].map((node) => cursorOf(node, cursors));
}

function leafData(node: ParquetNode, leaves: ReadonlyMap<ParquetNode, LeafData>): LeafData {
  const data = leaves.get(node);
  if (data === undefined) throw new ParquetError(`column ${node.name} was not read`);
  return data;
}

import { DeltaError } from '../errors.js';
import type { DataType, StructField } from '../schema.js';
import { type LeafConversion, leafConversion } from './convert.js';
import type { ParquetNode } from './metadata.js';

/** How a column of the table is made of the leaves of one file. */
export type ReadPlan =
  /** The file is older than the column: null. */
  | { kind: 'missing' }
  | { kind: 'leaf'; node: ParquetNode; conversion: LeafConversion }
  /** `witness` is the leaf whose levels say whether the group itself is there. */
  | {
      kind: 'struct';
      node: ParquetNode;
      witness: ParquetNode;
      fields: { name: string; plan: ReadPlan }[];
    }
  | { kind: 'list'; node: ParquetNode; repeated: ParquetNode; witness: ParquetNode; element: ReadPlan }
  | {
      kind: 'map';
      node: ParquetNode;
      repeated: ParquetNode;
      witness: ParquetNode;
      key: ReadPlan;
      value: ReadPlan;
    };

/** Finds a table's field among a file's columns: by name, or as column mapping says. */
export type FieldResolver = (field: StructField, among: readonly ParquetNode[]) => ParquetNode | undefined;

/** @throws DeltaError of kind `corrupt` where the file's column has another shape than the table's. */
export function planColumn(field: StructField, parent: ParquetNode, resolve: FieldResolver): ReadPlan {
  const node = resolve(field, parent.children);
  return node ? planType(field.type, node, resolve, field.name) : { kind: 'missing' };
}

/** The leaves that a plan reads, each once. */
export function leavesOf(plan: ReadPlan, into = new Map<ParquetNode, LeafConversion | undefined>()) {
  if (plan.kind === 'missing') return into;
  if (plan.kind === 'leaf') {
    into.set(plan.node, plan.conversion);
    return into;
  }
  if (!into.has(plan.witness)) into.set(plan.witness, undefined);
  if (plan.kind === 'struct') for (const field of plan.fields) leavesOf(field.plan, into);
  else if (plan.kind === 'list') leavesOf(plan.element, into);
  else {
    leavesOf(plan.key, into);
    leavesOf(plan.value, into);
  }
  return into;
}

function planType(type: DataType, node: ParquetNode, resolve: FieldResolver, column: string): ReadPlan {
  if (type === 'void') return { kind: 'missing' };
  if (typeof type === 'string') {
    if (node.repetition === 'REPEATED') throw wrongShape(column, type, node);
    return { kind: 'leaf', node, conversion: leafConversion(node, type, column) };
  }
  switch (type.type) {
    case 'struct':
      return planStruct(type.fields, node, resolve, column);
    case 'array': {
      const repeated = repeatedChild(node, column, 'array');
      const element = elementOf(repeated, node);
      const plan = planType(type.elementType, element, resolve, `${column}.element`);
      return { kind: 'list', node, repeated, witness: firstLeaf(repeated, plan), element: plan };
    }
    case 'map': {
      const repeated = repeatedChild(node, column, 'map');
      const [keyNode, valueNode] = repeated.children;
      if (keyNode === undefined || valueNode === undefined) throw wrongShape(column, 'map', node);
      const key = planType(type.keyType, keyNode, resolve, `${column}.key`);
      const value = planType(type.valueType, valueNode, resolve, `${column}.value`);
      return { kind: 'map', node, repeated, witness: firstLeaf(repeated, key), key, value };
    }
    default:
      throw new DeltaError('unsupported', `column ${column} has a type that this package does not know`);
  }
}

function planStruct(
  fields: StructField[],
  node: ParquetNode,
  resolve: FieldResolver,
  column: string,
): ReadPlan {
  if (node.physical !== undefined || (node.repetition === 'REPEATED' && node.children.length === 0)) {
    throw wrongShape(column, 'struct', node);
  }
  const plans = fields.map((field) => {
    const child = resolve(field, node.children);
    const plan: ReadPlan = child
      ? planType(field.type, child, resolve, `${column}.${field.name}`)
      : { kind: 'missing' };
    return { name: field.name, plan };
  });
  const read = plans.find((p) => p.plan.kind !== 'missing')?.plan;
  return { kind: 'struct', node, witness: firstLeaf(node, read), fields: plans };
}

/** Parquet's LogicalTypes.md, "Backward-compatibility rules" for lists. */
function elementOf(repeated: ParquetNode, list: ParquetNode): ParquetNode {
  const [only, more] = repeated.children;
  if (only === undefined || more !== undefined) return repeated;
  return repeated.name === 'array' || repeated.name === `${list.name}_tuple` ? repeated : only;
}

function repeatedChild(node: ParquetNode, column: string, type: string): ParquetNode {
  const [child, more] = node.children;
  if (child === undefined || more !== undefined || child.repetition !== 'REPEATED') {
    throw wrongShape(column, type, node);
  }
  return child;
}

/** A leaf that is read anyway, where there is one. */
function firstLeaf(node: ParquetNode, plan: ReadPlan | undefined): ParquetNode {
  if (plan?.kind === 'leaf') return plan.node;
  if (plan !== undefined && plan.kind !== 'missing') return plan.witness;
  let leaf = node;
  while (leaf.leaf === undefined) {
    const child = leaf.children[0];
    if (child === undefined) throw new DeltaError('corrupt', `column ${node.name} is a group of nothing`);
    leaf = child;
  }
  return leaf;
}

function wrongShape(column: string, type: string, node: ParquetNode): DeltaError {
  const file = node.physical ?? `a group of ${node.children.length}`;
  return new DeltaError('corrupt', `column ${column} is ${type} in the table and ${file} in the file`);
}

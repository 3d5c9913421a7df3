import type { Relation } from './connect/session.js';
import type { ExecutePlanResponse } from './protocol/spark/connect/base_pb.js';

/** Relations of Spark Connect, as far as they are used here. */
export function sqlRelation(query: string): Relation {
  return { relType: { case: 'sql', value: { query } } };
}

export interface Source {
  format: string;
  paths?: string[];
  options?: Record<string, string>;
  /** DDL; else Spark takes it from the source. */
  schema?: string;
}

export function readRelation({ format, paths = [], options = {}, schema }: Source): Relation {
  const value = { format, paths, options, ...(schema !== undefined && { schema }) };
  return { relType: { case: 'read', value: { readType: { case: 'dataSource', value } } } };
}

export function filterRelation(input: Relation, expression: string): Relation {
  const condition = { exprType: { case: 'expressionString', value: { expression } } } as const;
  return { relType: { case: 'filter', value: { input, condition } } };
}

export function selectRelation(input: Relation, expressions: readonly string[]): Relation {
  const value = {
    input,
    expressions: expressions.map(
      (expression) => ({ exprType: { case: 'expressionString', value: { expression } } }) as const,
    ),
  };
  return { relType: { case: 'project', value } };
}

/** At most so many partitions, without moving rows between machines. */
export function coalesceRelation(input: Relation, numPartitions: number): Relation {
  return { relType: { case: 'repartition', value: { input, numPartitions, shuffle: false } } };
}

/** Rows from here: an Arrow IPC stream. */
export function localRelation(data: Uint8Array, schema: string): Relation {
  return { relType: { case: 'localRelation', value: { data, schema } } };
}

export function emptyRelation(schema: string): Relation {
  return { relType: { case: 'localRelation', value: { schema } } };
}

export function unionRelation(left: Relation, right: Relation): Relation {
  return {
    relType: {
      case: 'setOp',
      value: { leftInput: left, rightInput: right, setOpType: 2, isAll: true },
    },
  };
}

/** To be sent whole to every executor wherever it is joined with, if the join allows it. */
export function broadcastRelation(input: Relation): Relation {
  return { relType: { case: 'hint', value: { input, name: 'broadcast' } } };
}

const COUNT = 'rows';

/** The same rows, counted as they pass: see `countOf`. */
export function countedRelation(input: Relation): Relation {
  const metrics = [
    { exprType: { case: 'expressionString', value: { expression: 'count(*) AS n' } } } as const,
  ];
  return { relType: { case: 'collectMetrics', value: { input, name: COUNT, metrics } } };
}

/** Undefined where the answers do not tell. */
export function countOf(answers: readonly ExecutePlanResponse[]): number | undefined {
  for (const { observedMetrics } of answers) {
    for (const { name, values } of observedMetrics) {
      const literal = values[0]?.literalType;
      if (name === COUNT && literal?.case === 'long') return Number(literal.value);
    }
  }
  return undefined;
}

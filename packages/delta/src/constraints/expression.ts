import { decimalOf } from '../parquet/convert.js';
import { findColumn } from '../prune/prune.js';
import { dateText } from '../rows/time.js';
import { decimalText } from '../rows/values.js';
import type { DataType, StructField, StructType } from '../schema.js';
import {
  arithmetic,
  comparer,
  type Exact,
  exactOf,
  type Kind,
  like,
  timeOf,
  type Value,
} from './operations.js';
import { type Token, tokenize, unsupported } from './tokens.js';

/** Evaluates to true, false or null for a row: values in the order of the schema, as `parquet/convert.ts` has them. */
export type Check = (row: readonly unknown[]) => boolean | null;

/**
 * Compiles a boolean SQL expression over a table's columns. A small language on purpose, and only what Spark, DuckDB
 * and others agree on: columns, literals, comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, `+ - * %`, length().
 * @throws DeltaError of kind `unsupported` for anything else, `invalid` for a column that is not there
 */
export function compileCheck(sql: string, schema: StructType): Check {
  const parser = new Parser(sql, tokenize(sql), schema);
  const { kind, evaluate } = parser.whole();
  if (kind !== 'boolean' && kind !== 'null') throw unsupported(sql, 'it is neither true nor false');
  return (row) => evaluate(row) as boolean | null;
}

interface Expression {
  kind: Kind;
  evaluate(row: readonly unknown[]): Value;
  /** Literals only: text may become a date where it is compared with one. */
  text?: string;
}

class Parser {
  private next = 0;
  private depth = 0;

  constructor(
    private readonly sql: string,
    private readonly tokens: readonly Token[],
    private readonly schema: StructType,
  ) {}

  whole(): Expression {
    const expression = this.or();
    if (this.next < this.tokens.length) throw this.unexpected();
    return expression;
  }

  private or(): Expression {
    if (++this.depth > 100) throw unsupported(this.sql, 'it is nested too deeply');
    let left = this.and();
    while (this.keyword('OR')) left = this.logical(left, this.and(), true);
    this.depth--;
    return left;
  }

  private and(): Expression {
    let left = this.not();
    while (this.keyword('AND')) left = this.logical(left, this.not(), false);
    return left;
  }

  private not(): Expression {
    let negated = false;
    while (this.keyword('NOT')) negated = !negated;
    const inner = this.comparison();
    return negated ? this.negate(inner) : inner;
  }

  private comparison(): Expression {
    const left = this.sum();
    const symbol = this.symbol('=', '==', '<=>', '<>', '!=', '<', '<=', '>', '>=');
    if (symbol) return this.compare(symbol, left, this.sum());
    if (this.keyword('IS')) return this.is(left);
    const negated = this.keyword('NOT');
    const test = this.test(left);
    if (test) return negated ? this.negate(test) : test;
    if (negated) throw this.unexpected();
    return left;
  }

  private is(left: Expression): Expression {
    const negated = this.keyword('NOT');
    const wanted = this.keyword('NULL')
      ? null
      : this.keyword('TRUE')
        ? true
        : this.keyword('FALSE')
          ? false
          : undefined;
    if (wanted === undefined || (wanted !== null && left.kind !== 'boolean')) throw this.unexpected();
    return { kind: 'boolean', evaluate: (row) => (left.evaluate(row) === wanted) !== negated };
  }

  /** IN, BETWEEN or LIKE. */
  private test(left: Expression): Expression | undefined {
    if (this.keyword('IN')) {
      this.expect('(');
      const options = [this.compare('=', left, this.sum())];
      while (this.symbol(',')) options.push(this.compare('=', left, this.sum()));
      this.expect(')');
      return options.reduce((a, b) => this.logical(a, b, true));
    }
    if (this.keyword('BETWEEN')) {
      const low = this.compare('>=', left, this.sum());
      if (!this.keyword('AND')) throw this.unexpected();
      return this.logical(low, this.compare('<=', left, this.sum()), false);
    }
    if (!this.keyword('LIKE')) return undefined;
    const { text } = this.sum();
    if (text === undefined || left.kind !== 'text')
      throw unsupported(this.sql, 'LIKE wants text and a pattern');
    return {
      kind: 'boolean',
      evaluate: (row) => ifPresent(left.evaluate(row), (value) => like(value as string, text)),
    };
  }

  private sum(): Expression {
    let left = this.product();
    for (let operator = this.symbol('+', '-'); operator; operator = this.symbol('+', '-')) {
      left = this.calculate(operator, left, this.product());
    }
    return left;
  }

  private product(): Expression {
    let left = this.unary();
    for (let operator = this.symbol('*', '%'); operator; operator = this.symbol('*', '%')) {
      left = this.calculate(operator, left, this.unary());
    }
    return left;
  }

  private unary(): Expression {
    let negative = false;
    for (let sign = this.symbol('-', '+'); sign; sign = this.symbol('-', '+'))
      if (sign === '-') negative = !negative;
    const operand = this.primary();
    return negative ? this.calculate('-', literal('exact', { digits: 0n, scale: 0 }), operand) : operand;
  }

  private primary(): Expression {
    const token = this.tokens[this.next];
    if (token === undefined) throw unsupported(this.sql, 'it ends too early');
    if (this.symbol('(')) {
      const inner = this.or();
      this.expect(')');
      return inner;
    }
    this.next++;
    if (token.kind === 'number') return numberLiteral(token.text);
    if (token.kind === 'string') return { ...literal('text', token.text), text: token.text };
    if (token.kind === 'symbol') {
      this.next--;
      throw this.unexpected();
    }
    return (token.quoted ? undefined : this.named(token.text.toUpperCase())) ?? this.column(token.text);
  }

  /** Literals and functions; undefined where the name is a column's. */
  private named(name: string): Expression | undefined {
    if (beyond.has(name)) throw unsupported(this.sql, `${name} in it`);
    if (name === 'TRUE' || name === 'FALSE') return literal('boolean', name === 'TRUE');
    if (name === 'NULL') return literal('null', null);
    const following = this.tokens[this.next];
    if ((name === 'DATE' || name === 'TIMESTAMP') && following?.kind === 'string') {
      this.next++;
      return this.timeLiteral(following.text);
    }
    if (!this.symbol('(')) return undefined;
    if (name !== 'LENGTH' && name !== 'CHAR_LENGTH') throw unsupported(this.sql, `the function ${name}`);
    const argument = this.or();
    this.expect(')');
    if (argument.kind !== 'text') throw unsupported(this.sql, `${name} wants text`);
    // Characters, not UTF-16 units.
    const length = (value: Value): Exact => ({ digits: BigInt([...(value as string)].length), scale: 0 });
    return { kind: 'exact', evaluate: (row) => ifPresent(argument.evaluate(row), length) };
  }

  private column(first: string): Expression {
    const names = [first];
    while (this.symbol('.')) {
      const token = this.tokens[this.next++];
      if (token?.kind !== 'name') throw this.unexpected();
      names.push(token.text);
    }
    const path = findColumn(this.schema, names.join('.'));
    const index = this.schema.fields.indexOf(path[0] as StructField);
    const below = path.slice(1).map((field) => field.name);
    const { kind, convert } = this.conversion((path.at(-1) as StructField).type);
    return {
      kind,
      evaluate: (row) => {
        let value = row[index];
        for (const name of below) value = value === null ? null : (value as Record<string, unknown>)[name];
        return value === null || value === undefined ? null : convert(value);
      },
    };
  }

  private conversion(type: DataType): { kind: Kind; convert: (value: unknown) => Value } {
    switch (type) {
      case 'string':
        return { kind: 'text', convert: (value) => value as string };
      case 'boolean':
        return { kind: 'boolean', convert: (value) => value as boolean };
      case 'float':
      case 'double':
        return { kind: 'floating', convert: (value) => value as number };
      case 'date':
        return { kind: 'time', convert: (value) => BigInt(value as number) * 86_400_000_000n };
      case 'timestamp':
      case 'timestamp_ntz':
        return { kind: 'time', convert: (value) => value as bigint };
      case 'byte':
      case 'short':
      case 'integer':
      case 'long':
        return {
          kind: 'exact',
          convert: (value) => ({ digits: BigInt(value as number | bigint), scale: 0 }),
        };
      default: {
        const decimal = typeof type === 'string' ? decimalOf(type) : undefined;
        if (decimal === undefined) return { kind: 'opaque', convert: () => true };
        return { kind: 'exact', convert: (value) => ({ digits: value as bigint, scale: decimal.scale }) };
      }
    }
  }

  private compare(symbol: string, left: Expression, right: Expression): Expression {
    const [a, b] = [this.asTime(left, right), this.asTime(right, left)];
    const order = comparer(a.kind, b.kind);
    const holds = comparisons[symbol];
    if (order === undefined || holds === undefined) {
      throw unsupported(this.sql, `it compares ${a.kind} with ${b.kind}`);
    }
    return {
      kind: 'boolean',
      evaluate: (row) => {
        const x = a.evaluate(row);
        const y = b.evaluate(row);
        if (x === null || y === null) return symbol === '<=>' ? x === y : null;
        return holds(order(x, y));
      },
    };
  }

  /** Text that is compared with a date or time is one. */
  private asTime(own: Expression, other: Expression): Expression {
    return own.text !== undefined && other.kind === 'time' ? this.timeLiteral(own.text) : own;
  }

  private timeLiteral(text: string): Expression {
    const us = timeOf(text);
    if (us === undefined) throw unsupported(this.sql, `'${text}' is neither date nor time`);
    return literal('time', us);
  }

  private calculate(operator: string, left: Expression, right: Expression): Expression {
    const operation = arithmetic(operator, left.kind, right.kind);
    if (operation === undefined) throw unsupported(this.sql, `${left.kind} ${operator} ${right.kind}`);
    return {
      kind: operation.kind,
      evaluate: (row) => {
        const x = left.evaluate(row);
        const y = right.evaluate(row);
        return x === null || y === null ? null : operation.apply(x, y);
      },
    };
  }

  /** SQL's three-valued AND and OR: `decisive` settles it whatever the other side is. */
  private logical(left: Expression, right: Expression, decisive: boolean): Expression {
    for (const { kind } of [left, right]) {
      if (kind !== 'boolean' && kind !== 'null')
        throw unsupported(this.sql, 'a condition is neither true nor false');
    }
    return {
      kind: 'boolean',
      evaluate: (row) => {
        const x = left.evaluate(row);
        if (x === decisive) return decisive;
        const y = right.evaluate(row);
        if (y === decisive) return decisive;
        return x === null || y === null ? null : !decisive;
      },
    };
  }

  private negate(inner: Expression): Expression {
    if (inner.kind !== 'boolean' && inner.kind !== 'null') throw unsupported(this.sql, 'NOT of no condition');
    return { kind: 'boolean', evaluate: (row) => ifPresent(inner.evaluate(row), (value) => !value) };
  }

  private keyword(word: string): boolean {
    const token = this.tokens[this.next];
    const found = token?.kind === 'name' && !token.quoted && token.text.toUpperCase() === word;
    if (found) this.next++;
    return found;
  }

  private symbol(...texts: string[]): string | undefined {
    const token = this.tokens[this.next];
    if (token?.kind !== 'symbol' || !texts.includes(token.text)) return undefined;
    this.next++;
    return token.text;
  }

  private expect(text: string): void {
    if (!this.symbol(text)) throw this.unexpected();
  }

  private unexpected() {
    const token = this.tokens[this.next];
    return unsupported(this.sql, token ? `${JSON.stringify(token.text)} in it` : 'it ends too early');
  }
}

/** Words that begin what this language does not have. */
const beyond = new Set(['SELECT', 'CASE', 'CAST', 'EXISTS', 'INTERVAL', 'ARRAY', 'MAP', 'STRUCT']);

const comparisons: Partial<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '==': (order) => order === 0,
  '<=>': (order) => order === 0,
  '<>': (order) => order !== 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function literal(kind: Kind, value: Value): Expression {
  return { kind, evaluate: () => value };
}

/** As in Spark, a number with an exponent is floating, any other one exact. */
function numberLiteral(text: string): Expression {
  const exact = exactOf(text);
  return exact ? literal('exact', exact) : literal('floating', Number(text));
}

function ifPresent(value: Value, apply: (value: Value) => Value): Value {
  return value === null ? null : apply(value);
}

/**
 * The value of a literal as a user would give it in a row of that type.
 * @throws DeltaError of kind `unsupported` where it is an expression that wants a row, `now()` for example
 */
export function literalFor(sql: string, type: DataType): unknown {
  const expression = new Parser(sql, tokenize(sql), { type: 'struct', fields: [] }).whole();
  const value = expression.evaluate([]);
  if (expression.kind === 'exact' && value !== null) {
    const { digits, scale } = value as Exact;
    const text = decimalText(digits, scale);
    return type === 'float' || type === 'double' ? Number(text) : scale === 0 ? digits : text;
  }
  if (expression.kind === 'time' && type === 'date')
    return dateText(Number((value as bigint) / 86_400_000_000n));
  return value;
}

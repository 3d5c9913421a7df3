import { DeltaError } from '../errors.js';

export type Token =
  | { kind: 'name'; text: string; quoted: boolean }
  | { kind: 'number'; text: string }
  | { kind: 'string'; text: string }
  | { kind: 'symbol'; text: string };

/** Longer is no constraint that a person wrote; deeper expressions are bounded by it too. */
const lengthMax = 10_000;

const pattern =
  /\s+|(?<name>[A-Za-z_][A-Za-z0-9_]*)|`(?<quoted>(?:[^`]|``)+)`|(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|'(?<string>[^'\\]*)'(?!')|(?<symbol><=>|<=|>=|<>|!=|==|[=<>(),.+\-*%])/y;

/**
 * Splits an SQL expression. Text that engines read differently (backslashes, doubled or double quotes) is refused.
 * @throws DeltaError of kind `unsupported`
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  if (sql.length > lengthMax) throw unsupported(sql.slice(0, 100), 'it is too long');
  while (pattern.lastIndex < sql.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(sql)?.groups;
    if (groups === undefined) throw unsupported(sql, `${JSON.stringify(sql.slice(at, at + 20))} in it`);
    const { name, quoted, number, string, symbol } = groups;
    if (name !== undefined) tokens.push({ kind: 'name', text: name, quoted: false });
    else if (quoted !== undefined)
      tokens.push({ kind: 'name', text: quoted.replaceAll('``', '`'), quoted: true });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol });
  }
  return tokens;
}

export function unsupported(sql: string, reason: string): DeltaError {
  return new DeltaError(
    'unsupported',
    `The constraint ${sql} cannot be evaluated here: ${reason}`,
    {},
    'Write with an engine that evaluates it; comparisons, AND, OR, NOT, IN, BETWEEN, LIKE and IS NULL are known here.',
  );
}

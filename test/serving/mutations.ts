/** Random variations of statements that keep their meaning, or nearly, in other clothes. The same seed gives the same. */
export function mutations(statements: readonly string[], seed: number, count: number): string[] {
  const random = mulberry32(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: count }, () => {
    let sql = pick(statements);
    for (let rounds = 1 + Math.floor(random() * 3); rounds > 0; rounds--)
      sql = pick(mutators)(sql, random, pick);
    return sql;
  });
}

type Mutator = (sql: string, random: () => number, pick: <T>(from: readonly T[]) => T) => string;

const SPACES = [
  ' ',
  '\n',
  '\t',
  '\r',
  '\f',
  '\u00a0',
  '\u2028',
  '\u200b',
  '\ufeff',
  '/**/',
  '/* x */',
  '/* /* */ */',
  "/* ' */",
  '-- x\n',
  "-- '\n",
  '--\r',
  '// x\n',
  "// '\n",
  '# x\n',
  "#! '\n",
  '/*!*/',
];

const mutators: readonly Mutator[] = [
  // Other whitespace and comments where there is some.
  (sql, random, pick) => sql.replace(/ /g, (space) => (random() < 0.4 ? pick(SPACES) : space)),
  // Whitespace and comments between a name and its bracket.
  (sql, random, pick) =>
    sql.replace(/(?<=\w)\(/g, (bracket) => (random() < 0.6 ? pick(SPACES) + bracket : bracket)),
  // Other case.
  (sql, random) =>
    sql.replace(/'[^']*'|[A-Za-z]/g, (part) =>
      part.length > 1 ? part : random() < 0.5 ? part.toUpperCase() : part.toLowerCase(),
    ),
  // Quoted names.
  (sql, random, pick) =>
    sql.replace(/'[^']*'|\b[a-z_]\w*(?=\s*\()/gi, (part) => {
      if (part.startsWith("'") || random() < 0.4) return part;
      const quote = pick(['"', '`']);
      return `${quote}${random() < 0.3 ? escaped(part, random) : part}${quote}`;
    }),
  // Other string literals.
  (sql, random, pick) =>
    sql.replace(/'([^'\\]*)'/g, (literal, text: string) =>
      random() < 0.5
        ? literal
        : pick([
            `$$${text}$$`,
            `$h$${text}$h$`,
            `unhex('${Buffer.from(text).toString('hex')}')`,
            `x'${Buffer.from(text).toString('hex')}'`,
            `concat('${text.slice(0, 3)}', '${text.slice(3)}')`,
            `'${escaped(text, random)}'`,
            `‘${text}’`,
          ]),
    ),
  // Wrapped.
  (sql, _, pick) =>
    pick([
      `(${sql})`,
      `SELECT * FROM (${sql})`,
      `SELECT (${sql})`,
      `WITH q AS (${sql}) SELECT * FROM q`,
      `SELECT 1 UNION ALL ${sql}`,
      `EXPLAIN ${sql}`,
      `DESCRIBE (${sql})`,
      `SELECT 1 WHERE 1 IN (${sql})`,
      `SELECT * FROM view(${sql})`,
    ]),
  // With something before or after that may confuse.
  (sql, _, pick) =>
    pick([
      `${sql};`,
      `;${sql}`,
      `SELECT 1;${sql}`,
      `${sql} FORMAT TSV`,
      `${sql} FORMAT JSON SETTINGS join_use_nulls = 1`,
      `/* ' */ ${sql} -- '`,
      `SELECT '\\' , 1; ${sql}`,
      `${sql} -- '`,
      `${sql}\0`,
      `\0${sql}`,
      `SELECT "a", 'b' /* " */; ${sql}`,
      `SELECT $a$ ' $a$; ${sql} -- '`,
      `SELECT 1 /* /* */ ' */ ; ${sql} -- '`,
      `SELECT 1 // '\n; ${sql}`,
    ]),
  // One character more, less, or other.
  (sql, random, pick) => {
    const at = Math.floor(random() * sql.length);
    return (
      sql.slice(0, at) +
      pick(["'", '"', '`', '\\', '$', '/*', '*/', '--', '\n', '(', ')', '']) +
      sql.slice(at + (random() < 0.5 ? 1 : 0))
    );
  },
];

/** Some characters as backslash escapes. */
function escaped(text: string, random: () => number): string {
  return text.replace(/[a-z]/gi, (char) =>
    random() < 0.3 ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : char,
  );
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

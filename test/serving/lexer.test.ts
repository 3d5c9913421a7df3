import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tokens } from '../../packages/eventlake/src/serving/endpoint/sql/lexer.js';
import { readStatement } from '../../packages/eventlake/src/serving/endpoint/sql/statement.js';

const texts = (sql: string) => [...tokens(sql)].map(({ kind, text }) => `${kind}:${text}`);

describe('tokens', () => {
  test.each([
    ['a -- b\n c', ['word:a', 'word:c']],
    ['a // b\n c', ['word:a', 'word:c']],
    ['a # b\n c #! d', ['word:a', 'word:c']],
    ['a #b', ['word:a', 'other:#', 'word:b']],
    ['a /* /* */ b */ c', ['word:a', 'word:c']],
    ['a /* b', ['word:a', 'other:/* b']],
    ["'it''s' 'a\\'b'", ["string:'it''s'", "string:'a\\'b'"]],
    ["'open", ["other:'open"]],
    ["x'4a' B'01' ax'4a'", ["string:x'4a'", "string:B'01'", 'word:ax', "string:'4a'"]],
    ['"a""b" `c`', ['quoted:"a""b"', 'quoted:`c`']],
    ['$$a$b$$ $t$ $$ $t$', ['heredoc:$$a$b$$', 'heredoc:$t$ $$ $t$']],
    ['$ a', ['other:$', 'word:a']],
    ['1 1.5e-3 .5 0x1F 1_000', ['number:1', 'number:1.5e-3', 'number:.5', 'number:0x1F', 'number:1_000']],
    ['1file', ['other:1file']],
    ['a.1.2 (a).1.2.3', 'word:a number:.1.2 symbol:( word:a symbol:) number:.1.2.3'.split(' ')],
    [
      'a[1].1.2, `a`.1.2',
      'word:a symbol:[ number:1 symbol:] number:.1.2 symbol:, quoted:`a` number:.1.2'.split(' '),
    ],
    // What ClickHouse could read as a name is not taken for a number.
    ['a.1.2file', ['word:a', 'other:.1.2file']],
    ['a.1.2.3e5', ['word:a', 'other:.1.2.3e5']],
    ['a.1.2.b', ['word:a', 'number:.1.2', 'symbol:.', 'word:b']],
    ['a .1.2', ['word:a', 'other:.1.2']],
    ['1.2.3', ['other:1.2.3']],
    ['a\u00a0b', ['word:a', 'word:b']],
    ['‘a’', ['other:‘', 'word:a', 'other:’']],
    [
      'a::b->c<=>d||e',
      'word:a symbol::: word:b symbol:-> word:c symbol:<=> word:d symbol:|| word:e'.split(' '),
    ],
  ])('%s', (sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  // Quadratic, each of them would take minutes.
  test.each([
    ['digits that are no number', `${'1'.repeat(250_000)}g`],
    ['hexadecimal digits that are no number', `0x${'1'.repeat(250_000)}g`],
    ['elements of elements that are none', `a${'.1'.repeat(120_000)}g`],
    ['tags without an end', Array.from({ length: 80_000 }, (_, i) => `$${i}$`).join(' ')],
    ['inserts with many formats', `INSERT INTO t ${'FORMAT VALUES '.repeat(17_000)}`],
  ])('%s are read in linear time', (_, sql) => {
    expect(readStatement(sql).kind).toBe('command');
  });

  test('never throw, go forward, and are what stands there', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '`',
      '/*',
      '*/',
      '--',
      '//',
      '#',
      '\n',
      '\\',
      '$',
      '$a$',
      'file',
      '(',
      '1',
      'é',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const sql = pieces.join('');
        let at = 0;
        for (const token of tokens(sql)) {
          expect(token.start).toBeGreaterThanOrEqual(at);
          expect(token.end).toBeGreaterThan(token.start);
          expect(sql.slice(token.start, token.end)).toBe(token.text);
          at = token.end;
        }
      }),
    );
  });
});

describe('statements', () => {
  test('a FORMAT clause is taken off, and only that', () => {
    expect(readStatement('SELECT 1 FORMAT JSON;')).toEqual({
      kind: 'rows',
      sql: 'SELECT 1 ',
      format: 'JSON',
      tail: '',
    });
    expect(readStatement('SELECT 1 FORMAT TSV SETTINGS a = 1')).toMatchObject({
      format: 'TSV',
      tail: ' SETTINGS a = 1',
    });
    expect(readStatement("SELECT 'x FORMAT JSON' AS format")).not.toHaveProperty('format');
    expect(readStatement('SELECT (SELECT format FROM t) FROM u -- FORMAT JSON')).not.toHaveProperty('format');
    expect(readStatement('/* a */ WITH x AS (SELECT 1) SELECT * FROM x format TSV')).toMatchObject({
      format: 'TSV',
    });
  });

  test('where the data of an INSERT begin', () => {
    const data = (sql: string) => {
      const statement = readStatement(sql);
      return statement.kind === 'insert' ? sql.slice(statement.dataStart) : statement.kind;
    };
    expect(data('INSERT INTO t FORMAT CSV\n1;2\n')).toBe('1;2\n');
    expect(data('INSERT INTO t (a, b) FORMAT JSONEachRow {"a":1}')).toBe('{"a":1}');
    expect(data('INSERT INTO t FORMAT TSV ; \n\n')).toBe('\n');
    expect(data('INSERT INTO t VALUES (1)')).toBe('command');
    expect(data('INSERT INTO t SELECT 1 FORMAT TSV')).toBe('command');
    expect(readStatement("INSERT INTO `t` SETTINGS a = ';' FORMAT Native\n")).toMatchObject({
      head: 'INSERT INTO `t` ',
      settings: "SETTINGS a = ';' ",
      format: 'Native',
    });
  });

  test('several statements are refused, semicolons in strings and at the end are not', () => {
    expect(() => readStatement('SELECT 1; SELECT 2')).toThrow();
    expect(readStatement("SELECT ';';; -- ;").kind).toBe('rows');
  });
});

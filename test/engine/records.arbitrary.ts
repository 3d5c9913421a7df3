import fc from 'fast-check';

/** Fields of an event as tests know it: text, a number, one with a name that JSON must escape nowhere. */
export const recordNames = ['id', 'n', 'kind', 'page'] as const;

const space = fc.constantFrom('', '', '', '', ' ', '\t', '\n', '\r\n', ' \t ', '\f', '\u00a0', '\u0001');
const strings = fc.oneof(
  fc.constantFrom(
    '"x"',
    '""',
    '"é😀"',
    '"\\u00e9"',
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ud83d\\ud83d"',
    '"\\u0000"',
    '"a\\/b"',
    '"\\\\"',
    '"\\\\\\""',
    '"\t"',
    '"\\x41"',
    '"\\u12"',
    '"unended',
    '"\u007f\u2028"',
    '"NaN"',
    '"null"',
    '"1,"',
    '"}"',
    '"{"',
    "'x'",
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text)),
);
const numbers = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '1',
      '-1',
      '1.0',
      '1.50',
      '1e3',
      '1E+3',
      '1e-400',
      '1e400',
      '0.1',
      '01',
      '+1',
      '.5',
      '5.',
      '-',
    ],
    ...[
      '18446744073709551615',
      '18446744073709551616',
      '-9223372036854775809',
      '123456789012345678901234567890',
    ],
    ...['0x10', '1e', '1_000', 'NaN', 'nan', 'Infinity', '-inf', 'inf'],
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
);
const words = fc.constantFrom('null', 'true', 'false', 'TRUE', 'undefined', '');
const nested = fc.constantFrom(
  ...[
    '[]',
    '{}',
    '[1, 2.50]',
    '[1,]',
    '{"b":1,"b":2}',
    '{"id":"x"}',
    '[NaN]',
    '[[[]]]',
    '{"a":{"b":[{}]}}',
    '[',
    '{',
    '[}',
  ],
);
const value = fc.oneof({ weight: 6, arbitrary: strings }, { weight: 4, arbitrary: numbers }, words, nested);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...recordNames).map((name) => JSON.stringify(name)) },
  fc.constantFrom('"ID"', '"x"', '"\\u0069d"', '""', '"a.b"', 'id', "'id'", '"x\\u0000"', '"kind "'),
  strings,
);
const member = fc.tuple(
  space,
  key,
  space,
  fc.constantFrom(':', ':', ':', ':', ':', '', '='),
  space,
  value,
  space,
);
const separator = fc.constantFrom(',', ',', ',', ',', ',', ',', ',,', '', ';');

const objectText = fc
  .tuple(
    fc.array(fc.tuple(member, separator), { maxLength: 6 }),
    space,
    fc.constantFrom('', '', '', '', '', ',', ' {}', 'x', '//c', '/*c*/', '\ufeff'),
  )
  .map(([members, inner, after]) => {
    const body = members
      .map(([parts, comma], i) => parts.join('') + (i < members.length - 1 ? comma : ''))
      .join('');
    return `{${body}${inner}}${after}`;
  });

/** What producers really send: few shapes again and again; most values are clean, and some are anything. */
const shaped = fc
  .tuple(
    fc.constantFrom<[string, string]>([':', ','], [': ', ', ']),
    fc.constantFrom(['id', 'n', 'kind', 'page'], ['n', 'id'], ['kind', 'id', 'kind', 'n']),
    fc.record({
      id: fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
        strings,
      ),
      n: fc.oneof(fc.nat().map(String), fc.nat().map(String), numbers, words),
      kind: fc.constantFrom('"a"', '"b"', '"a\\u0062"', 'null', '1', 'true'),
      page: fc.oneof(fc.constantFrom('"/"', '"/x"', 'null'), value),
    }),
    fc.constantFrom('}', '}', '}', '}', '}', ',}', ' }', '}}', ',"id":"x"}'),
  )
  .map(([[colon, comma], names, values, end]) => {
    const members = names.map((name) => `"${name}"${colon}${values[name as keyof typeof values]}`);
    return `{${members.join(comma)}${end}`;
  });

const text = fc.oneof(
  { weight: 5, arbitrary: objectText },
  { weight: 5, arbitrary: shaped },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

/** One record: mostly almost JSON, sometimes cut short, sometimes with a byte changed. */
export const recordBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: text.map((string) => new Uint8Array(Buffer.from(string))) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(text, fc.nat(200))
      .map(([string, length]) => new Uint8Array(Buffer.from(string).subarray(0, length))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(text, fc.nat(200), fc.nat(255)).map(([string, at, byte]) => {
      const bytes = new Uint8Array(Buffer.from(string));
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    }),
  },
);

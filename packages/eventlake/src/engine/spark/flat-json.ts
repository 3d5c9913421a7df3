import { quoteName, quoteText } from './sql-text.js';

/**
 * SQL that reads the records that it can prove to be right about, and says of each whether it could.
 *
 * A flat record is one JSON object (RFC 8259) whose strings have no escapes and whose values are no objects or arrays. One
 * pattern describes exactly these texts, and in them a quotation mark is nothing but the end of a string: so the members
 * are found by a second pattern, one after the other, and what it finds between them is all there is. Everything else
 * (escapes, nested values, and whatever is no JSON) is left to `strict-json.ts`, the reference.
 *
 * Java's patterns use the stack for repeated groups, so those are bounded; repeated characters are possessive, which are not.
 */
const SPACE = '[ \\t\\n\\r]*+';
/** Control characters one by one: Java looks a class of single characters up in a table, which took it little more than half the time of a range. */
const CONTROLS = Array.from({ length: 0x20 }, (_, c) => `\\x${c.toString(16).padStart(2, '0')}`).join('');
const CHARACTERS = `[^"\\\\${CONTROLS}]*`;
const TEXT = `"${CHARACTERS}+"`;
const NUMBER = '-?(?:0|[1-9][0-9]*+)(?:[.][0-9]++)?(?:[eE][+-]?[0-9]++)?';
const SCALAR = `(?:${TEXT}|${NUMBER}|true|false|null)`;
const MEMBER = `${TEXT}${SPACE}:${SPACE}${SCALAR}`;
const MEMBERS_MAX = 100;
const FLAT = `\\A${SPACE}[{]${SPACE}(?:${MEMBER}(?:${SPACE},${SPACE}${MEMBER}){0,${MEMBERS_MAX - 1}})?${SPACE}[}]${SPACE}\\z`;
const CAPTURED = `(${TEXT})${SPACE}:${SPACE}(${SCALAR})`;

/**
 * The same texts where every member is a declared field, none twice, in the declaration's order: what most producers send. One
 * pattern finds all their values at once, in a fraction of the time. A comma is only where a key follows, none before the brace.
 *
 * Characters are not possessive here: Java is faster so, and where the next one must be a quotation mark there is nothing to
 * go back for. Members are.
 */
const LINK = '(?:,[ \\t\\n\\r]*(?=")|(?=[}]))';
/** The two groups of a value: a string with its opening quotation mark alone, or what is no string. */
const VALUE = `(?:("${CHARACTERS})"|(${NUMBER}|true|false|null))`;

function inOrder(names: readonly string[]): string {
  const space = '[ \\t\\n\\r]*';
  const members = names.map(
    (name) => `(?:${JSON.stringify(name)}${space}:${space}${VALUE}${space}${LINK})?+`,
  );
  return `\\A${space}[{]${space}${members.join('')}[}]${space}\\z`;
}

/** Stands before each value that was found: no flat record has it anywhere. */
const MARK = '\x01';

/** A longer record is not worth holding several times; the reference takes it. */
const RECORD_BYTES_MAX = 256 * 1024;

/**
 * `records` has `value` BINARY and the columns `keep`. The query has these, `_proven` BOOLEAN, where that is true the fields and
 * `rescued` as `EngineSession.readLog` describes them, where it is false `_value`, and of all its length, `_bytes`. No field is
 * named like these.
 */
export function flatRecordsSql(records: string, names: readonly string[], keep: readonly string[]): string {
  const place = keep.join(', ');
  const found = names.slice(0, MEMBERS_MAX);
  const marked = found.map((_, i) => `${MARK}$${2 * i + 1}$${2 * i + 2}`).join('');
  const fields = names.map(
    (name, i) =>
      `CASE WHEN ordered IS NOT NULL THEN ${orderedSql(i)} WHEN proven THEN ${fieldSql(name)} END AS ${quoteName(name)}`,
  );
  return `SELECT ${place}, proven AS _proven, octet_length(value) AS _bytes, CASE WHEN NOT proven THEN value END AS _value,
  ${fields.join(',\n  ')},
  CASE WHEN ordered IS NULL AND proven THEN ${rescuedSql(names)} END AS rescued
FROM (
  SELECT ${place}, value, ordered, members, texts,
    ordered IS NOT NULL OR (flat AND size(array_distinct(members)) = size(members)) AS proven
  FROM (
    SELECT ${place}, value, ordered, flat,
      CASE WHEN flat THEN regexp_extract_all(text, ${quoteText(CAPTURED)}, 1) END AS members,
      CASE WHEN flat THEN regexp_extract_all(text, ${quoteText(CAPTURED)}, 2) END AS texts
    FROM (
      SELECT ${place}, value, text, ordered,
        ordered IS NULL AND text IS NOT NULL AND regexp_like(text, ${quoteText(FLAT)}) AS flat
      FROM (
        SELECT ${place}, value, text, CASE WHEN startswith(marked, '${MARK}') THEN split(marked, '${MARK}') END AS ordered
        FROM (
          SELECT ${place}, value, text, CASE WHEN NOT startswith(text, '${MARK}')
            THEN regexp_replace(text, ${quoteText(inOrder(found))}, ${quoteText(marked)}) END AS marked
          FROM (
            SELECT ${place}, value, CASE WHEN octet_length(value) <= ${RECORD_BYTES_MAX}
              AND is_valid_utf8(CAST(value AS STRING)) THEN CAST(value AS STRING) END AS text FROM ${records}
          ) AS texts
        ) AS marked
      ) AS ordered
    ) AS tested
  ) AS split
) AS checked`;
}

/** A key as it is written has no escapes here, so that it is the key. */
function keyText(name: string): string {
  return quoteText(JSON.stringify(name));
}

/** Null where it is missing: nothing follows its mark. */
function orderedSql(i: number): string {
  const token = `get(ordered, ${i + 1})`;
  return `CASE WHEN startswith(${token}, '"') THEN substring(${token}, 2) WHEN ${token} NOT IN ('', 'null') THEN ${token} END`;
}

/** Null where it is missing: there is nothing at -1. */
function fieldSql(name: string): string {
  const token = `get(texts, CAST(array_position(members, ${keyText(name)}) AS INT) - 1)`;
  return `CASE WHEN startswith(${token}, '"') THEN substring(${token}, 2, char_length(${token}) - 2)
    WHEN ${token} <> 'null' THEN ${token} END`;
}

function rescuedSql(names: readonly string[]): string {
  const known = names.map(keyText).join(', ');
  const others = `array_compact(zip_with(members, texts,
    (member, text) -> CASE WHEN member NOT IN (${known}) THEN concat(member, ':', text) END))`;
  // Usually there are none, and functions of array elements are slow: so they are looked for by a faster one first.
  const none = `size(array_except(members, array(${known}))) = 0`;
  return `CASE WHEN NOT ${none} THEN concat('{', array_join(${others}, ','), '}') END`;
}

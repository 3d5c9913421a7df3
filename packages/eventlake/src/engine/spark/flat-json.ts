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
const TEXT = '"[^"\\\\\\x00-\\x1f]*+"';
const NUMBER = '-?(?:0|[1-9][0-9]*+)(?:[.][0-9]++)?(?:[eE][+-]?[0-9]++)?';
const SCALAR = `(?:${TEXT}|${NUMBER}|true|false|null)`;
const MEMBER = `${TEXT}${SPACE}:${SPACE}${SCALAR}`;
const MEMBERS_MAX = 100;
const FLAT = `\\A${SPACE}[{]${SPACE}(?:${MEMBER}(?:${SPACE},${SPACE}${MEMBER}){0,${MEMBERS_MAX - 1}})?${SPACE}[}]${SPACE}\\z`;
const CAPTURED = `(${TEXT})${SPACE}:${SPACE}(${SCALAR})`;

/** A longer record is not worth holding several times; the reference takes it. */
const RECORD_BYTES_MAX = 256 * 1024;

/**
 * `records` has `value` BINARY and the columns `keep`. The query has these, `value`, `proven` BOOLEAN, and where that is true
 * the fields and `rescued`, as `EngineSession.readLog` describes them.
 */
export function flatRecordsSql(records: string, names: readonly string[], keep: readonly string[]): string {
  const place = keep.join(', ');
  const fields = names.map((name) => `CASE WHEN proven THEN ${fieldSql(name)} END AS ${quoteName(name)}`);
  return `SELECT ${place}, value, proven, ${fields.join(', ')}, CASE WHEN proven THEN ${rescuedSql(names)} END AS rescued
FROM (
  SELECT ${place}, value, members, texts, flat AND size(array_distinct(members)) = size(members) AS proven
  FROM (
    SELECT ${place}, value, flat,
      CASE WHEN flat THEN regexp_extract_all(text, ${quoteText(CAPTURED)}, 1) ELSE array() END AS members,
      CASE WHEN flat THEN regexp_extract_all(text, ${quoteText(CAPTURED)}, 2) ELSE array() END AS texts
    FROM (
      SELECT ${place}, value, text,
        text IS NOT NULL AND octet_length(value) <= ${RECORD_BYTES_MAX} AND is_valid_utf8(text)
          AND regexp_like(text, ${quoteText(FLAT)}) AS flat
      FROM (SELECT ${place}, value, CAST(value AS STRING) AS text FROM ${records}) AS texts
    ) AS tested
  ) AS split
) AS checked`;
}

/** A key as it is written has no escapes here, so that it is the key. */
function keyText(name: string): string {
  return quoteText(JSON.stringify(name));
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

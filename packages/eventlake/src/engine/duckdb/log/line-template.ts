import { scanObject } from '../../strict-json.js';
import { quoteName, quoteText } from '../sql-text.js';

/**
 * DuckDB's JSON is lenient (it takes trailing commas, NaN and Infinity, the first of duplicate keys) and rewrites
 * numbers (1.50 → 1.5), so what it extracts is trusted only where it is proven: where the record's text is, byte for byte,
 * what one gets by putting the extracted values back into a known shape. Producers send few shapes; they are learned by
 * looking at a few records.
 *
 * Why equality proves it: the shape's own text holds every key once, in plain characters, and every quote, colon and comma.
 * A value between quotes that is equal before and after extraction has no escapes, and a bare value is accepted only
 * as a finite number; so there is no room for another key, a comma too many, or another way to write a number.
 * What has no known shape is parsed by `strict-json.ts`.
 */
export interface LineTemplate {
  /** The text around the values: one more than there are values. */
  texts: string[];
  values: { name: string; quoted: boolean }[];
  /** Equal for equal shapes. */
  signature: string;
}

/** The shape of a record, or undefined where it has something that a shape cannot have. */
export function learnTemplate(text: string, names: readonly string[]): LineTemplate | undefined {
  const template: LineTemplate = { texts: [], values: [], signature: '' };
  const seen = new Set<string>();
  let end = 0;
  let plain = true;
  const outcome = scanObject(text, ({ keyStart, keyEnd, valueStart, valueEnd }) => {
    const name = text.slice(keyStart + 1, keyEnd - 1);
    plain &&= names.includes(name) && !seen.has(name);
    seen.add(name);
    const raw = text.slice(valueStart, valueEnd);
    if (raw === 'null' || raw === 'true' || raw === 'false') return;
    const quoted = raw.startsWith('"');
    plain &&= quoted || !/^[[{]/.test(raw);
    template.texts.push(text.slice(end, quoted ? valueStart + 1 : valueStart));
    template.values.push({ name, quoted });
    end = quoted ? valueEnd - 1 : valueEnd;
  });
  if (outcome !== 'object' || !plain) return undefined;
  template.texts.push(text.slice(end));
  template.signature = JSON.stringify([template.texts, template.values.map(({ name }) => name)]);
  return template;
}

/** SQL that is true where `json` has the template's shape; `fields` is the struct of the extracted values. */
export function matchesSql({ texts, values }: LineTemplate, json: string, fields: string): string {
  const valueSql = ({ name }: { name: string }) => `${fields}.${quoteName(name)}`;
  const parts = texts.flatMap((text, i) => {
    const value = values[i];
    return value ? [quoteText(text), valueSql(value)] : [quoteText(text)];
  });
  const finite = values
    .filter(({ quoted }) => !quoted)
    .map((value) => ` AND isfinite(TRY_CAST(${valueSql(value)} AS DOUBLE))`);
  return `${json} = concat(${parts.join(', ')})${finite.join('')}`;
}

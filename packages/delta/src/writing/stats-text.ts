import { parseStats } from '../stats.js';

/**
 * The statistics of a file that has lost rows to a deletion vector: its bounds may be wider than what is left, and the
 * count is the file's own (the section "Per-file Statistics"). Edited as text: parsing would round long numbers.
 */
export function statsWithDeletions(text: string | undefined, rowCount: number): string {
  const stats = text === undefined ? undefined : parseStats({ stats: text });
  if (text === undefined || stats === undefined) return `{"numRecords":${rowCount},"tightBounds":false}`;
  let edited = text.trim();
  if (stats.numRecords === undefined) {
    edited = edited.replace(
      /^\{(?=(\s*\})?)/,
      (_, empty) => `{"numRecords":${rowCount}${empty === undefined ? ',' : ''}`,
    );
  }
  if (stats.tightBounds === false) return edited;
  if (stats.tightBounds === undefined) return edited.replace(/\}$/, ',"tightBounds":false}');
  const at = valueAtTop(edited, 'tightBounds');
  return `${edited.slice(0, at)}false${edited.slice(at).replace(/^\s*true/, '')}`;
}

/** Where the value of a key of the outermost object begins; the text is known to be JSON. */
function valueAtTop(json: string, key: string): number {
  let depth = 0;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    const [token] = match;
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && token.endsWith(':') && JSON.parse(token.slice(0, -1)) === key) {
      return match.index + token.length;
    }
  }
  return json.length;
}

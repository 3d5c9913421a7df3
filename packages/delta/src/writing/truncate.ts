/**
 * How text is cut off in statistics, so that they stay bounds: the section "Per-file Statistics" says only that it is,
 * the rules are those of the reference implementation (`StatisticsCollection.truncateMinStringAgg`, `…Max…`), by
 * UTF-16 units like there.
 */
const statsPrefixLength = 32;

const highest = '\u{10ffff}';
const highestAscii = '\u007f';

/** A prefix is never above the text it begins. */
export function truncateMin(text: string, length = statsPrefixLength): string {
  if (text.length <= length) return text;
  return text.slice(0, length + (isPair(text, length - 1) ? 1 : 0));
}

/**
 * A prefix with a character after it that is above the one cut off. Undefined where the text has too many of the
 * highest character: then there is no short bound.
 */
export function truncateMax(text: string, length = statsPrefixLength): string | undefined {
  if (text.length <= length) return text;
  for (let at = truncateMin(text, length).length; at <= 2 * length; at += 2) {
    if (at >= text.length) return text;
    if (text.slice(at, at + 2) === highest) continue;
    return text.slice(0, at) + (text.charAt(at) < highestAscii ? highestAscii : highest);
  }
  return undefined;
}

function isPair(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at, at + 2));
}

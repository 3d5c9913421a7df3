import pc from 'picocolors';

export type Cell = string | number | bigint | boolean | null | undefined;

/** Rows under their headings, numbers to the right. Colours only where there is a terminal. */
export function renderTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => headings.map((_, column) => textOf(row[column])));
  const widths = headings.map((heading, column) =>
    Math.max(width(heading), ...cells.map((row) => width(row[column]!))),
  );
  const toRight = headings.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => pad(cell, widths[column]!, toRight[column]!))
      .join('  ')
      .trimEnd();
  return [
    pc.bold(line(headings)),
    pc.dim(widths.map((size) => '─'.repeat(size)).join('  ')),
    ...cells.map(line),
  ].join('\n');
}

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined) return '–';
  // Control characters of data must not steer the terminal.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be replaced.
  return String(cell).replace(/[\x00-\x1f\x7f-\x9f]/g, (char) => (char === '\n' ? '⏎' : '·'));
}

function isNumeric(cell: Cell): boolean {
  if (cell === null || cell === undefined || cell === '') return true;
  return typeof cell !== 'string'
    ? typeof cell !== 'boolean'
    : /^-?[\d,]+(\.\d+)?( ?(%|ms|s|[KMGT]i?B|B|\/s))?$/.test(cell);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of colours take no room.
const COLOURS = /\x1b\[[0-9;]*m/g;

function width(text: string): number {
  return [...text.replace(COLOURS, '')].length;
}

function pad(text: string, size: number, toRight: boolean): string {
  const blanks = ' '.repeat(Math.max(0, size - width(text)));
  return toRight ? blanks + text : text + blanks;
}

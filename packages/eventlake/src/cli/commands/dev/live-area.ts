/** Lines at the end of a terminal that are drawn again and again, with lasting lines above them. */
export interface LiveArea {
  draw(lines: readonly string[]): void;
  above(line: string): void;
  /** What was drawn last stays. */
  done(): void;
}

export function liveArea(terminal: NodeJS.WriteStream): LiveArea {
  let drawn: readonly string[] = [];
  const clear = () => (drawn.length === 0 ? '' : `\x1b[${drawn.length}A\x1b[0J`);
  const write = (lines: readonly string[]) => `${lines.map((line) => `${line}\n`).join('')}`;
  return {
    draw(lines) {
      // More lines than the terminal has could not be cleared again, nor could wrapped ones.
      const fitting = lines
        .slice(0, Math.max(1, (terminal.rows ?? 40) - 1))
        .map((line) => cut(line, terminal.columns ?? 120));
      terminal.write(clear() + write(fitting));
      drawn = fitting;
    },
    above(line) {
      terminal.write(`${clear()}${line}\n${write(drawn)}`);
    },
    done() {
      drawn = [];
    },
  };
}

/** Cuts to a number of visible characters; escape sequences of colours take no room. */
function cut(line: string, columns: number): string {
  let visible = 0;
  let result = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  for (const [piece] of line.matchAll(/\x1b\[[0-9;]*m|[^\x1b]/gu)) {
    if (piece.length === 1 || !piece.startsWith('\x1b')) visible++;
    if (visible > columns) return `${result}\x1b[0m`;
    result += piece;
  }
  return result;
}

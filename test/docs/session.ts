import { readFileSync } from 'node:fs';

export interface SessionStep {
  command: string;
  /** What the page shows below it. */
  output: string;
  /** Runs until it is stopped. */
  isService: boolean;
}

/** The `console` blocks of a section: what is typed after `$ `, a heredoc included, and what comes back. */
export function sessionOf(path: string, section: string): SessionStep[] {
  const text = readFileSync(path, 'utf8').split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block]) => block!);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [, heredoc] = /^[^\n]*<<'(\w+)'\n/.exec(step) ?? [];
        const end = heredoc ? step.indexOf(`\n${heredoc}\n`) + heredoc.length + 1 : step.indexOf('\n');
        const command = step.slice(0, end);
        const isService = /^npx eventlake (dev|serve)\b/.test(command);
        return { command, output: step.slice(end + 1), isService };
      }),
  );
}

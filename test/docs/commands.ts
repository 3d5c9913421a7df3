import { readFileSync } from 'node:fs';

export interface DocCommand {
  /** The heading that it stands under. */
  section: string;
  /** The whole command, a heredoc included. */
  text: string;
  /** Runs until it is stopped. */
  isService: boolean;
}

/** What a page tells its reader to type: the commands of its `sh` blocks, in order. */
export function commandsOf(path: string): DocCommand[] {
  const commands: DocCommand[] = [];
  let section = '';
  let block: string[] | undefined;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (block && line === '```') {
      commands.push(...split(block).map((text) => ({ section, text, isService: isService(text) })));
      block = undefined;
    } else if (block) block.push(line);
    else if (line === '```sh') block = [];
    else if (line.startsWith('#')) section = line.replace(/^#+ /, '');
  }
  return commands;
}

/** One command a line; a heredoc belongs to the line that begins it. */
function split(lines: readonly string[]): string[] {
  const commands: string[] = [];
  let end: string | undefined;
  for (const line of lines) {
    if (end !== undefined) {
      commands.push(`${commands.pop()}\n${line}`);
      if (line === end) end = undefined;
    } else if (line.trim() !== '') {
      commands.push(line);
      end = /<<'(\w+)'/.exec(line)?.[1];
    }
  }
  return commands;
}

function isService(text: string): boolean {
  if (text === 'npm start') return true;
  const [, command] = /^npx eventlake (dev|serve|run .*)/.exec(text) ?? [];
  return command !== undefined && !/--(once|count)\b/.test(command);
}

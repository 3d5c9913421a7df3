import { EventlakeError } from '../../errors.js';
import { remark } from './streams.js';

/** Asks on the terminal; a no is said, and makes the command's exit code 1. @throws EventlakeError where nobody is there. */
export async function askYesNo(question: string, onNo: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new EventlakeError('invalid', 'Nobody is there to be asked', {}, 'Say --yes.');
  }
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} [y/N] `);
  prompt.close();
  const isYes = /^y(es)?$/i.test(answer.trim());
  if (!isYes) {
    remark(onNo);
    process.exitCode = 1;
  }
  return isYes;
}

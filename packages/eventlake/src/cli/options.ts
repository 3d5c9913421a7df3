import type { Command } from 'commander';
import type { Flag } from '../config.js';
import { EventlakeError } from '../errors.js';

/** An option's whole number. @throws EventlakeError `invalid`, naming the flag and what is allowed. */
export function wholeNumber(text: string, flag: string, [min, max] = [1, 999_999]): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= min! && value <= max!) return value;
  throw new EventlakeError(
    'invalid',
    `${flag} is ${JSON.stringify(text)}, but it must be a whole number from ${min} to ${max}`,
  );
}

/** What a job does where records are gone from the log before it read them. */
export function addDataLoss(command: Command): Command {
  return command.option(
    '--on-data-loss <what>',
    'where records are gone from the log before they were read: stop, or continue (setting onDataLoss)',
  );
}

export function dataLossFlags({ onDataLoss: value }: { onDataLoss?: string }): Flag[] {
  return value === undefined ? [] : [{ path: 'onDataLoss', value, flag: '--on-data-loss' }];
}

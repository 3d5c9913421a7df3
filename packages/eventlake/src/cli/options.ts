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

import type { EventlakeError } from '../../../errors.js';

export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** What to do about it. */
  remedy?: string;
}

export function failed(check: string, error: unknown): Finding {
  const { message, hint } = error as EventlakeError;
  return { check, status: 'fail', message, ...(hint ? { remedy: hint } : {}) };
}

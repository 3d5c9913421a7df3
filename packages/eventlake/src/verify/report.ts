/** One line of the ledger: two numbers that have to be equal. */
export interface Check {
  /** What is compared, by the pipeline's steps: `log → bronze`. */
  check: string;
  left: number;
  right: number;
  /** 0 where it holds; otherwise how many rows, or events, are on one side only. */
  difference: number;
  /** `skipped`: there is nothing to compare yet. */
  status: 'ok' | 'mismatch' | 'skipped';
  /** What left and right are made of, and where the sides stand. */
  detail: string;
}

export interface VerifyReport {
  ok: boolean;
  /** Recounted from the data, and compared row by row. */
  deep: boolean;
  checks: Check[];
  durationMs: number;
}

export function compared(check: string, left: number, right: number, detail: string): Check {
  return checked(check, left, right, Math.abs(left - right), detail);
}

export function checked(
  check: string,
  left: number,
  right: number,
  difference: number,
  detail: string,
): Check {
  return { check, left, right, difference, status: difference === 0 ? 'ok' : 'mismatch', detail };
}

export function skipped(check: string, detail: string): Check {
  return { check, left: 0, right: 0, difference: 0, status: 'skipped', detail };
}

import { Gauge, Registry } from 'prom-client';
import { writeSpool } from './spool.js';

/** Leaves the outcome of a `verify` for the endpoint to show, until the next one. */
export async function leaveVerdict(
  dataDir: string,
  { ok, checks }: { ok: boolean; checks: readonly { status: string }[] },
): Promise<void> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  gauge('eventlake_verify_passed', '1 where the last verify held, 0 where it did not.').set(ok ? 1 : 0);
  const byStatus = gauge('eventlake_verify_checks', 'Its checks.', ['status']);
  for (const status of ['ok', 'mismatch', 'skipped'])
    byStatus.set({ status }, checks.filter((check) => check.status === status).length);
  gauge('eventlake_verify_last_run_timestamp_seconds', 'When it ended, since 1970.').set(Date.now() / 1000);
  await writeSpool(dataDir, 'verify.last', registry);
}

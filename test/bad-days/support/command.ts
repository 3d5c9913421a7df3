import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Finished, run } from '../../cli/eventlake.js';

export const JOBS = ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg'] as const;

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eventlake-bad-day-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A command on a data folder. Whatever happens, nobody is shown a stack trace. */
export async function eventlake(dataDir: string, ...args: string[]): Promise<Finished> {
  const finished = await run([...args, '--data-dir', dataDir, '--set', 'clickhouse.port=0']);
  expectNoStack(finished);
  return finished;
}

export function expectNoStack({ stdout, stderr }: Finished): void {
  expect(stdout + stderr).not.toMatch(/^\s+at .+[:(]/m);
  expect(stdout + stderr).not.toContain('node:internal');
}

export async function runJobs(dataDir: string, jobs: readonly string[] = JOBS): Promise<void> {
  for (const job of jobs) {
    const { code, stderr } = await eventlake(dataDir, 'run', job, '--once');
    expect(code, `${job}: ${stderr}`).toBe(0);
  }
}

export async function expectGreen(dataDir: string): Promise<void> {
  const { code, stdout, stderr } = await eventlake(dataDir, 'verify', '--deep', '--json');
  expect(code, stdout + stderr).toBe(0);
}

export async function tableRows(dataDir: string): Promise<Record<string, number>> {
  const { stdout } = await eventlake(dataDir, 'status', '--json');
  const { tables } = JSON.parse(stdout) as { tables: { table: string; rows: number }[] };
  return Object.fromEntries(tables.map(({ table, rows }) => [table, rows]));
}

import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** What the figures were measured on, for the top of every result file. */
export function describeMachine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Proportional set size of a process and all its descendants, in bytes (Linux; shared pages are counted once). */
export function treeMemoryBytes(rootPid: number): number {
  return processTree(rootPid).reduce((sum, pid) => sum + pssBytes(pid), 0);
}

/** CPU time that a process and its live descendants have used, in milliseconds. */
export function treeCpuMs(rootPid: number): number {
  return processTree(rootPid).reduce((sum, pid) => sum + cpuMs(pid), 0);
}

export function processTree(rootPid: number): number[] {
  const children = readOr(`/proc/${rootPid}/task/${rootPid}/children`).trim().split(' ').filter(Boolean);
  return [rootPid, ...children.flatMap((pid) => processTree(Number(pid)))];
}

function pssBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/smaps_rollup`));
  return match ? Number(match[1]) * 1024 : 0;
}

function cpuMs(pid: number): number {
  // Fields 14 and 15 of /proc/<pid>/stat, counted after the command name, in ticks of 10 ms.
  const fields = readOr(`/proc/${pid}/stat`).split(') ')[1]?.split(' ');
  return fields ? (Number(fields[11]) + Number(fields[12])) * 10 : 0;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended meanwhile.
  }
}

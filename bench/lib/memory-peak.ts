import { readFileSync } from 'node:fs';
import { processTree } from './machine.js';

export interface ProcessMemory {
  /** What it runs, as short as it can be told. */
  name: string;
  totalBytes: number;
  anonymousBytes: number;
}

/** Watches a process tree's memory (Linux): proportional set sizes, so that shared pages are counted once. */
export class MemoryPeak {
  totalBytes = 0;
  anonymousBytes = 0;
  /** Every process at the moment when the total was highest. */
  atPeak: ProcessMemory[] = [];
  /** The highest that each process ever had, at whatever moment. */
  readonly highest = new Map<string, ProcessMemory>();
  readonly #timer: NodeJS.Timeout;

  /** @param counts Whether a process belongs to what is measured, by its command line. */
  constructor(
    rootPid: number,
    everyMs: number,
    readonly counts: (command: string) => boolean,
  ) {
    this.#timer = setInterval(() => this.#sample(rootPid), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(rootPid: number): void {
    const processes = processTree(rootPid)
      .filter((pid) => this.counts(commandOf(pid)))
      .map(memoryOf);
    for (const process of processes) {
      const { totalBytes = 0, anonymousBytes = 0 } = this.highest.get(process.name) ?? {};
      this.highest.set(process.name, {
        name: process.name,
        totalBytes: Math.max(totalBytes, process.totalBytes),
        anonymousBytes: Math.max(anonymousBytes, process.anonymousBytes),
      });
    }
    const sum = (key: 'totalBytes' | 'anonymousBytes') =>
      processes.reduce((total, process) => total + process[key], 0);
    this.anonymousBytes = Math.max(this.anonymousBytes, sum('anonymousBytes'));
    if (sum('totalBytes') <= this.totalBytes) return;
    this.totalBytes = sum('totalBytes');
    this.atPeak = processes;
  }
}

function memoryOf(pid: number): ProcessMemory {
  const rollup = readOr(`/proc/${pid}/smaps_rollup`);
  const bytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  return { name: nameOf(pid), totalBytes: bytes('Pss'), anonymousBytes: bytes('Pss_Anon') };
}

function nameOf(pid: number): string {
  const words = commandOf(pid).split(' ');
  const at = words.findIndex((word) => word.endsWith('eventlake.js'));
  return `${words.slice(at + 1, at + 3).join(' ')} (${pid})`;
}

function commandOf(pid: number): string {
  return readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended meanwhile.
  }
}

import { type SpawnOptions, spawn } from 'node:child_process';
import { treeCpuMs } from './machine.js';

/** Runs a command to its end. @returns What it printed, and its clock and processor time, children's included. */
export async function watched(command: string, args: readonly string[], options: SpawnOptions = {}) {
  const startedMs = performance.now();
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout!.on('data', (chunk) => {
    printed += chunk;
  });
  let cpuMs = 0;
  const sampler = setInterval(() => {
    cpuMs = Math.max(cpuMs, treeCpuMs(child.pid!));
  }, 50);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(sampler);
  const seconds = (performance.now() - startedMs) / 1_000;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${printed}`);
  return { printed, seconds, cpuSeconds: cpuMs / 1_000 };
}

import { Counter, Gauge, Registry } from 'prom-client';

/** Metrics of this process, by what it does (`serve`, `raw-landing`, …): beside its own, what every process has. */
export function newRegistry(name: string): Registry {
  const registry = new Registry();
  // Not prom-client's defaults: their event loop monitor wakes an idle process a hundred times a second.
  const facts: [metric: string, help: string, read: () => number][] = [
    ['process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()],
    [
      'nodejs_heap_size_used_bytes',
      "Used memory of JavaScript's heap.",
      () => process.memoryUsage().heapUsed,
    ],
    ['process_start_time_seconds', 'When the process started, since 1970.', () => STARTED_SECONDS],
  ];
  for (const [metric, help, read] of facts) {
    new Gauge({
      name: metric,
      help,
      labelNames: ['process'],
      registers: [registry],
      collect() {
        this.set({ process: name }, read());
      },
    });
  }
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time, user and system.',
    labelNames: ['process'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ process: name }, cpuSeconds());
    },
  });
  return registry;
}

const STARTED_SECONDS = Math.round(Date.now() / 1000 - process.uptime());

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

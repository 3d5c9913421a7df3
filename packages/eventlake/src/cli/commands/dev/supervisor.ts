import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ChildMessage } from '../../stop-signal.js';

export interface ChildSpec {
  name: string;
  /** Program and arguments: the very command that production runs. */
  command: readonly [string, ...string[]];
}

export interface ChildState {
  name: string;
  status: 'starting' | 'ready' | 'backing-off' | 'stopped';
  pid: number | undefined;
  restarts: number;
}

export interface SupervisorEvents {
  /** A line that the child wrote: JSON of its log, or whatever else. */
  onLine(name: string, line: string): void;
  onMessage(name: string, message: ChildMessage): void;
  /** A child ended that should have gone on. */
  onExit(
    name: string,
    code: number | null,
    signal: NodeJS.Signals | null,
    retryInMs: number | undefined,
  ): void;
}

export interface Supervisor {
  states(): ChildState[];
  /** Resolves when a child ended in a way that no restart can mend, or when all are stopped. */
  readonly ended: Promise<{ name: string; code: number } | undefined>;
  /** Stops the children in the order given, waiting for each group; kills those that are not done in time. */
  stop(order: readonly (readonly string[])[], deadlineMs: number): Promise<{ killed: string[] }>;
  /** Ends all of them at once. */
  kill(): void;
}

const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 30_000;
/** After running this long a child's next end counts as its first. */
const STEADY_AFTER_MS = 60_000;
/** Usage, not found, busy, data loss, corrupt, forbidden: before the child was ever ready, a restart mends none of them. */
const HOPELESS_CODES = new Set([2, 3, 4, 6, 8, 9]);
const BUSY_CODE = 4;
/**
 * The children of a supervisor that was killed hold folder and port until they have noticed: see `stopSignal`. Three seconds, and
 * more where the machine is busy, or ClickHouse waits for the disk while it is closed.
 */
const ORPHANS_GONE_AFTER_MS = 20_000;

interface Child {
  spec: ChildSpec;
  state: ChildState;
  process: ChildProcess | undefined;
  wasReady: boolean;
  startedMs: number;
  backOffMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** Starts the children and keeps them running. They die with this process, however it dies: see `stopSignal`. */
export function supervise(
  specs: readonly ChildSpec[],
  events: SupervisorEvents,
  { orphansGoneAfterMs = ORPHANS_GONE_AFTER_MS } = {},
): Supervisor {
  const children = new Map<string, Child>(specs.map((spec) => [spec.name, newChild(spec)]));
  const begunMs = performance.now();
  let isStopping = false;
  let end: (reason: { name: string; code: number } | undefined) => void = () => {};
  const ended = new Promise<{ name: string; code: number } | undefined>((resolve) => {
    end = resolve;
  });

  function start(child: Child): void {
    const [program, ...args] = child.spec.command;
    const spawned = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    Object.assign(child, { process: spawned, startedMs: performance.now() });
    Object.assign(child.state, { status: 'starting', pid: spawned.pid });
    createInterface({ input: spawned.stderr! }).on('line', (line) => events.onLine(child.spec.name, line));
    spawned.on('message', (message: ChildMessage) => {
      if (message.type === 'ready') {
        child.state.status = 'ready';
        child.wasReady = true;
      }
      events.onMessage(child.spec.name, message);
    });
    spawned.on('error', () => {});
    // After `close` its last lines have been read, too.
    spawned.on('close', (code, signal) => exited(child, code, signal));
  }

  function exited(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    const { name } = child.spec;
    Object.assign(child, { process: undefined });
    Object.assign(child.state, { status: 'stopped', pid: undefined });
    if (isStopping) return;
    const mayHaveOrphans = code === BUSY_CODE && performance.now() - begunMs < orphansGoneAfterMs;
    if (!child.wasReady && code !== null && HOPELESS_CODES.has(code) && !mayHaveOrphans) {
      events.onExit(name, code, signal, undefined);
      end({ name, code });
      return;
    }
    if (performance.now() - child.startedMs > STEADY_AFTER_MS) child.backOffMs = BACK_OFF_MIN_MS;
    const retryInMs = child.backOffMs;
    child.backOffMs = Math.min(BACK_OFF_MAX_MS, child.backOffMs * 2);
    child.state.status = 'backing-off';
    child.state.restarts++;
    events.onExit(name, code, signal, retryInMs);
    child.timer = setTimeout(() => start(child), retryInMs);
  }

  async function stopOne(child: Child, deadline: Promise<void>): Promise<boolean> {
    const running = child.process;
    if (!running) return true;
    const closed = once(running, 'close').then(() => true);
    running.send('stop', () => {});
    if (await Promise.race([closed, deadline.then(() => false)])) return true;
    running.kill('SIGKILL');
    await closed;
    return false;
  }

  for (const child of children.values()) start(child);
  return {
    ended,
    states: () => [...children.values()].map(({ state }) => ({ ...state })),
    async stop(order, deadlineMs) {
      isStopping = true;
      for (const { timer } of children.values()) clearTimeout(timer);
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
      const named = new Set(order.flat());
      const rest = [...children.keys()].filter((name) => !named.has(name));
      const killed: string[] = [];
      for (const group of [...order, rest]) {
        const inGroup = group.map((name) => children.get(name)).filter((child) => child !== undefined);
        await Promise.all(
          inGroup.map(async (child) => {
            if (!(await stopOne(child, deadline))) killed.push(child.spec.name);
          }),
        );
      }
      end(undefined);
      return { killed };
    },
    kill() {
      isStopping = true;
      for (const { process } of children.values()) process?.kill('SIGKILL');
    },
  };
}

function newChild(spec: ChildSpec): Child {
  return {
    spec,
    state: { name: spec.name, status: 'starting', pid: undefined, restarts: 0 },
    process: undefined,
    wasReady: false,
    startedMs: 0,
    backOffMs: BACK_OFF_MIN_MS,
    timer: undefined,
  };
}

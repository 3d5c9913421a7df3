import { remark } from './terminal/streams.js';

/** What a command says to `eventlake dev`, where it is one of its children. */
export type ChildMessage =
  | { type: 'ready'; url?: string }
  | { type: 'batch'; job: string; batch: number; rowsIn: number; rowsOut: number; durationMs: number }
  | { type: 'produced'; count: number };

/** One Ctrl-C may come twice: from the terminal, and from an `npm` or `timeout` in between that passes it on. */
const SAME_CTRL_C_MS = 500;

/** A child that has lost its parent ends by itself, and at the latest after this long; not by `exit`, which native code can delay. */
const ORPHAN_DEADLINE_MS = 3_000;

const SHELL_LOOK_MS = 250;

/**
 * Aborts when the command shall come to an end: on Ctrl-C or SIGTERM; the second Ctrl-C ends the process at once.
 * A child of `eventlake dev` leaves Ctrl-C, which reaches the whole group, to its parent, so that the order of stopping
 * is the parent's; it stops when told so, and when the parent is gone, however that died.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.on('SIGTERM', stop);
  if (process.send) {
    process.on('SIGINT', () => {});
    process.on('message', (message) => message === 'stop' && stop());
    const orphaned = () => {
      stop();
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_DEADLINE_MS).unref();
    };
    process.on('disconnect', orphaned);
    // The parent died while this process was still loading its code, and nobody was listening.
    if (!process.connected) orphaned();
  } else {
    let firstMs = 0;
    process.on('SIGINT', () => {
      if (controller.signal.aborted) {
        if (performance.now() - firstMs > SAME_CTRL_C_MS) process.exit(130);
        return;
      }
      firstMs = performance.now();
      if (process.stderr.isTTY) remark('Stopping … (Ctrl-C again: at once)');
      stop();
    });
    process.on('SIGHUP', stop);
    if (process.env.npm_command === 'exec') stopWithShell(stop);
  }
  return controller.signal;
}

/**
 * `npx` runs a command in a shell, hands SIGTERM to the shell, and the shell dies of it without a word to the command.
 * `npm start` hands it to the command itself, since its script begins with `exec`.
 */
function stopWithShell(stop: () => void): void {
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    stop();
  }, SHELL_LOOK_MS).unref();
}

export function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

/**
 * Named places around each durable write. A test sets `EVENTLAKE_CRASH_AT=<name>[:nth]`, and the process kills itself
 * when it passes there (for the nth time): no handler runs, nothing is flushed, like a pulled plug for the process.
 * @param spec The variable's value; undefined: nothing ever happens.
 */
export function crashPoints(spec: string | undefined): (name: string) => void {
  const match = /^(.+?)(?::(\d+))?$/.exec(spec ?? '');
  if (!match) return () => {};
  const [, wanted, nth = '1'] = match;
  let passes = 0;
  return (name) => {
    if (name !== wanted) return;
    passes += 1;
    if (passes === Number(nth)) kill();
  };
}

function kill(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal ends every thread at the latest when the call returns; nothing may run on if it should not.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

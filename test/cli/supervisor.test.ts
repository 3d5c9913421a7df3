import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ChildSpec,
  type ChildState,
  type Supervisor,
  type SupervisorEvents,
  supervise,
} from '../../packages/eventlake/src/cli/commands/dev/supervisor.js';
import { processStart } from '../../packages/eventlake/src/system/process-start.js';

const SOURCE = new URL('../../packages/eventlake/dist/cli/', import.meta.url).href;

let folder: string;
let supervisor: Supervisor | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventlake-dev-'));
});
afterEach(async () => {
  supervisor?.kill();
  await rm(folder, { recursive: true, force: true });
});

/** A child that says it is ready, notes its comings and goings in a file, and stops when told. */
function polite(name: string, extra = ''): ChildSpec {
  return child(
    name,
    `import { stopSignal, tellParent } from '${SOURCE}stop-signal.js';
     import { appendFileSync } from 'node:fs';
     const note = (what) => appendFileSync(${JSON.stringify(join(folder, 'notes'))}, what + ' ${name}\\n');
     note('start');
     const signal = stopSignal();
     signal.addEventListener('abort', () => { note('stop'); process.exit(0); });
     setInterval(() => {}, 1000);
     ${extra}
     tellParent({ type: 'ready' });`,
  );
}

function child(name: string, program: string): ChildSpec {
  return { name, command: [process.execPath, '--input-type=module', '-e', program] };
}

const notes = async () => (await readFile(join(folder, 'notes'), 'utf8').catch(() => '')).trim().split('\n');

/** Supervises, and gives what happened as it happens. */
function watch(specs: ChildSpec[], options?: { orphansGoneAfterMs: number }) {
  const seen: string[] = [];
  const waiting: { text: string; resolve: () => void }[] = [];
  const say = (text: string) => {
    seen.push(text);
    for (const waiter of waiting) if (text.startsWith(waiter.text)) waiter.resolve();
  };
  const events: SupervisorEvents = {
    onLine: (name, line) => say(`${name} line ${line}`),
    onMessage: (name, message) => say(`${name} ${message.type}`),
    onExit: (name, code, signal, retry) =>
      say(`${name} exit ${code ?? signal} ${retry === undefined ? 'for good' : 'retry'}`),
  };
  supervisor = supervise(specs, events, options);
  const until = (text: string) =>
    seen.some((line) => line.startsWith(text))
      ? Promise.resolve()
      : new Promise<void>((resolve) => waiting.push({ text, resolve }));
  return { supervisor, seen, until };
}

test('stopping follows the order given', async () => {
  const { supervisor, until } = watch([polite('reader'), polite('server'), polite('writer')]);
  await Promise.all(['reader ready', 'server ready', 'writer ready'].map(until));
  expect(await supervisor.stop([['writer'], ['reader'], ['server']], 10_000)).toEqual({ killed: [] });
  expect((await notes()).slice(3)).toEqual(['stop writer', 'stop reader', 'stop server']);
  expect(await supervisor.ended).toBeUndefined();
});

test('a child that is killed comes back', async () => {
  const { supervisor, until } = watch([polite('job')]);
  await until('job ready');
  const { pid } = supervisor.states()[0]!;
  process.kill(pid!, 'SIGKILL');
  await until('job exit SIGKILL retry');
  while (supervisor.states()[0]!.status !== 'ready') await sleep(20);
  expect(supervisor.states()[0]).toMatchObject({ restarts: 1 });
  expect(supervisor.states()[0]!.pid).not.toBe(pid);
  await supervisor.stop([], 10_000);
});

test('what no restart can mend ends everything, with the code of the child', async () => {
  const { supervisor, until } = watch([child('wrong', `console.error('says why'); process.exit(2);`)]);
  expect(await supervisor.ended).toEqual({ name: 'wrong', code: 2 });
  await until('wrong exit 2 for good');
  await until('wrong line says why');
});

test('who finds the folder in use is started again, until those that a killed parent left behind must be gone', async () => {
  const { supervisor, seen, until } = watch([child('busy', 'process.exit(4);')], {
    orphansGoneAfterMs: 2_000,
  });
  await until('busy exit 4 retry');
  expect(await supervisor.ended).toEqual({ name: 'busy', code: 4 });
  expect(seen.at(-1)).toBe('busy exit 4 for good');
});

test('who does not stop in time is killed, and that is said', async () => {
  const { supervisor, until } = watch([
    child(
      'deaf',
      `setInterval(() => {}, 1000); process.on('message', () => {}); process.send({ type: 'ready' });`,
    ),
  ]);
  await until('deaf ready');
  expect(await supervisor.stop([['deaf']], 200)).toEqual({ killed: ['deaf'] });
});

test('children end when their parent is killed, whatever they are doing', async () => {
  const specs = [polite('one'), polite('two', 'signal.addEventListener("abort", () => {});')];
  const { parent, pids } = await parentOf(specs, ({ status }) => status === 'ready');
  parent.kill('SIGKILL');
  for (const pid of pids) while ((await processStart(pid)) !== undefined) await sleep(20);
});

test('children end when their parent is killed before they have begun to listen', async () => {
  const loading = 'await new Promise((resolve) => setTimeout(resolve, 1000));';
  const late = child(
    'late',
    `${loading} (await import('${SOURCE}stop-signal.js')).stopSignal(); setInterval(() => {}, 1000);`,
  );
  const { parent, pids } = await parentOf([late], ({ pid }) => pid !== undefined);
  parent.kill('SIGKILL');
  for (const pid of pids) while ((await processStart(pid)) !== undefined) await sleep(20);
});

/** A process that supervises, once all its children are as wanted. */
async function parentOf(specs: readonly ChildSpec[], wanted: (state: ChildState) => boolean) {
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { supervise } from '${SOURCE}commands/dev/supervisor.js';
       const s = supervise(${JSON.stringify(specs)}, { onLine() {}, onExit() {}, onMessage() {} });
       const look = setInterval(() => {
         const states = s.states();
         if (!states.every(${wanted})) return;
         clearInterval(look);
         console.log(states.map(({ pid }) => pid).join(' '));
       }, 20);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pids = line.toString().trim().split(' ').map(Number);
  expect(pids.length).toBe(specs.length);
  return { parent, pids };
}

test('Ctrl-C, which reaches the whole group, is the parent’s business', async () => {
  await writeFile(join(folder, 'notes'), '');
  const { supervisor, until } = watch([polite('job')]);
  await until('job ready');
  process.kill(supervisor.states()[0]!.pid!, 'SIGINT');
  await sleep(100);
  expect(supervisor.states()[0]!.status).toBe('ready');
  await supervisor.stop([['job']], 10_000);
});

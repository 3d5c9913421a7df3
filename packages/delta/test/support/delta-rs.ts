import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const REQUIREMENTS = ['deltalake==1.6.6', 'pyarrow==26.0.1'];
const VENV = fileURLToPath(new URL('../../../../node_modules/.cache/delta-rs', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./delta_rs.py', import.meta.url));

/** delta-rs in a Python of its own, which answers questions about tables, one line each. */
export class DeltaRs {
  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly lines: AsyncIterator<string>,
    private readonly reader: Interface,
  ) {}

  /** Installs it from PyPI when it is not there yet; needs `python3` with venv. */
  static async start(): Promise<DeltaRs> {
    const child = spawn(await python(), [SCRIPT]);
    child.stderr.pipe(process.stderr);
    const reader = createInterface({ input: child.stdout });
    return new DeltaRs(child, reader[Symbol.asyncIterator](), reader);
  }

  /** The newest version of a table, its files, and the position of an application. */
  async look(
    path: string,
    appId: string,
  ): Promise<{ version: number; paths: string[]; position: number | null }> {
    this.child.stdin.write(`${JSON.stringify({ path, appId })}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error('delta-rs ended');
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.reader.close();
    this.child.kill();
  }
}

async function python(): Promise<string> {
  const run = promisify(execFile);
  const inside = `${VENV}/bin/python`;
  const isThere = await access(`${VENV}/installed-${REQUIREMENTS.join('-')}`).then(
    () => true,
    () => false,
  );
  if (isThere) return inside;
  await run('python3', ['-m', 'venv', '--clear', VENV]);
  await run(inside, ['-m', 'pip', 'install', '--quiet', ...REQUIREMENTS]);
  await run('touch', [`${VENV}/installed-${REQUIREMENTS.join('-')}`]);
  return inside;
}

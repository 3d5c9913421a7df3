import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** What another engine finds in a table; rows and histories sorted, values as `canonical.ts` has them. */
export interface Sight {
  schema: unknown;
  rows: string[];
  count: number;
  history: [version: number, operation: string][];
}

/** Another engine in a process of its own, which answers one line of JSON with another. */
export class Judge {
  private readonly lines: AsyncIterator<string>;
  private log = '';

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly scratch?: string,
  ) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (bytes) => {
      this.log = `${this.log}${bytes}`.slice(-10_000);
    });
  }

  /** Apache Spark with delta-spark, from PyPI and Maven. */
  static async spark(): Promise<Judge> {
    await run(join(ROOT, 'scripts/setup-spark'), { maxBuffer: 1 << 26 });
    const cache = join(ROOT, '.cache/spark');
    return Judge.start('Spark', join(cache, 'venv/bin/python'), join(HERE, 'spark.py'), join(cache, 'jars'));
  }

  /** delta-rs, from PyPI. */
  static async deltaRs(): Promise<Judge> {
    await run(join(ROOT, 'scripts/setup-delta-rs'), { maxBuffer: 1 << 26 });
    return Judge.start('delta-rs', join(ROOT, '.cache/delta-rs/bin/python'), join(HERE, 'delta_rs.py'));
  }

  /** ClickHouse in a process, from npm; it reads tables only below its working directory. */
  static async clickHouse(cwd: string): Promise<Judge> {
    return new Judge('ClickHouse', spawn(process.execPath, [join(HERE, 'clickhouse.mjs')], { cwd }));
  }

  private static async start(name: string, command: string, ...args: string[]): Promise<Judge> {
    const scratch = await mkdtemp(join(tmpdir(), 'eventlake-judge-'));
    return new Judge(name, spawn(command, [...args, scratch], { cwd: scratch }), scratch);
  }

  async look(path: string, version?: number): Promise<Sight> {
    return (await this.ask('look', { path, version })) as Sight;
  }

  /** @throws Error with what the engine says. */
  async ask(question: string, of: object): Promise<unknown> {
    this.child.stdin.write(`${JSON.stringify({ ask: question, ...of })}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.name} ended: ${this.log}`);
    const { answer, error } = JSON.parse(value);
    if (error !== undefined) throw new Error(`${this.name}: ${error}`);
    return answer;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
    if (this.scratch) await rm(this.scratch, { recursive: true, force: true });
  }
}

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EventlakeError } from '../errors.js';
import { importDefault } from './import-default.js';
import { settingPaths, variableName } from './schema.js';

/** Where a value came from: the file's path, the variable's name, or the flag. */
export type Origin = { kind: 'default' } | { kind: 'file' | 'env' | 'flag'; name: string };

/** A setting's value from the command line: `--port 9000` is `{ path: 'clickhouse.port', value: '9000', flag: '--port' }`. */
export interface Flag {
  path: string;
  value: string;
  flag: string;
}

/** One setting as its source gives it: variables and flags as text, files as values. */
export interface RawSetting {
  path: string;
  value: unknown;
  origin: Origin;
}

const FILE_NAMES = ['eventlake.config.ts', 'eventlake.config.js', 'eventlake.config.mjs'];

/** Variables with our prefix that are no settings: they steer tests. */
const NOT_SETTINGS = /^EVENTLAKE_(CRASH_AT|TEST_\w+|BENCH_\w+)$/;

/** The settings of `file`, or of the one settings file in `cwd`; none: nothing. */
export async function fromFile(cwd: string, file?: string): Promise<RawSetting[]> {
  const path = file ? resolve(cwd, file) : findFile(cwd);
  if (!path) return [];
  if (!existsSync(path)) {
    throw new EventlakeError('not-found', `There is no settings file ${path}`, { file: path });
  }
  const content = await load(path);
  if (!isSection(content)) {
    throw new EventlakeError(
      'invalid',
      'The settings file must export its settings as an object by default',
      { file: path },
      "export default defineConfig({ … }), with `import { defineConfig } from 'eventlake'`.",
    );
  }
  return flatten(content).map(([setting, value]) => ({
    path: setting,
    value,
    origin: { kind: 'file', name: path },
  }));
}

/** `EVENTLAKE_*`. An empty variable is as good as none. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): RawSetting[] {
  const byVariable = new Map(settingPaths.map((path) => [variableName(path), path]));
  const own = Object.entries(env)
    .filter(([name, value]) => name.startsWith('EVENTLAKE_') && value && !NOT_SETTINGS.test(name))
    .map(([name, value]) => ({
      path: byVariable.get(name) ?? name,
      value,
      origin: { kind: 'env' as const, name },
    }));
  // What has a name everywhere, for a setting that has one here, too, which comes first.
  const standard = Object.entries(STANDARD_NAMES)
    .filter(([name]) => env[name])
    .map(([name, path]) => ({ path, value: env[name], origin: { kind: 'env' as const, name } }));
  return [...standard, ...own];
}

const STANDARD_NAMES = { OTEL_EXPORTER_OTLP_ENDPOINT: 'tracing.otlpEndpoint' };

export function fromFlags(flags: readonly Flag[]): RawSetting[] {
  return flags.map(({ path, value, flag }) => ({ path, value, origin: { kind: 'flag', name: flag } }));
}

function findFile(cwd: string): string | undefined {
  const found = FILE_NAMES.map((name) => resolve(cwd, name)).filter((path) => existsSync(path));
  if (found.length > 1) {
    throw new EventlakeError(
      'invalid',
      `There are several settings files: ${found.join(', ')}`,
      { file: found[0] },
      'Keep one of them.',
    );
  }
  return found[0];
}

async function load(path: string): Promise<unknown> {
  try {
    return await importDefault(path);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EventlakeError(
      'invalid',
      `The settings file cannot be loaded: ${message}`,
      { file: path },
      undefined,
      { cause },
    );
  }
}

function flatten(section: Record<string, unknown>, prefix = ''): [string, unknown][] {
  return Object.entries(section)
    .filter(([, value]) => value !== undefined)
    .flatMap(([key, value]): [string, unknown][] => {
      const path = prefix ? `${prefix}.${key}` : key;
      return isSection(value) ? flatten(value, path) : [[path, value]];
    });
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

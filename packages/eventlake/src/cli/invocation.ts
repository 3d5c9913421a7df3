import { createRequire } from 'node:module';
import { type Command, InvalidArgumentError } from 'commander';
import type { Flag, LoadedSettings } from '../config.js';
import { EventlakeError } from '../errors.js';

/** The options that every command takes. */
export interface Globals {
  json?: boolean;
  debug?: boolean;
  dataDir?: string;
  logLevel?: string;
  config?: string;
  set?: string[];
}

/** What a command works with: the effective settings and how to show its results. */
export interface Invocation extends LoadedSettings {
  json: boolean;
  /** The flags that were given, so that `dev` can give them to its children. */
  flags: readonly Flag[];
  configFile: string | undefined;
  /** For tests: see `crash-points.ts`. */
  crashAt: string | undefined;
}

export function addGlobals(program: Command): void {
  program
    .option('--data-dir <folder>', 'where everything lives (default: ./.eventlake)')
    .option(
      '--set <setting=value>',
      'a setting, such as rawLanding.commitIntervalMs=500; repeatable',
      assignment,
    )
    .option('--config <file>', 'settings file (default: eventlake.config.ts, .js or .mjs here)')
    .option('--log-level <level>', 'silent, error, warn, info or debug')
    .option('--json', 'machine-readable results on stdout, errors on stderr')
    .option('--debug', 'show stack traces of errors')
    .option('--no-color', 'no colours (NO_COLOR does it too)')
    .version(version(), '--version');
}

/** Loads the settings for a command. `named` are its own flags that are settings: `--port` is `clickhouse.port`. */
export async function invoke(command: Command, named: readonly Flag[] = []): Promise<Invocation> {
  const globals = command.optsWithGlobals<Globals>();
  const flags = [...flagsOf(globals), ...named];
  const { loadSettings } = await import('../config.js');
  const loaded = await loadSettings({
    cwd: process.cwd(),
    env: process.env,
    flags,
    ...(globals.config ? { file: globals.config } : {}),
  });
  return {
    ...loaded,
    json: globals.json ?? false,
    flags,
    configFile: globals.config,
    crashAt: process.env.EVENTLAKE_CRASH_AT,
  };
}

function flagsOf(globals: Globals): Flag[] {
  const flags = (globals.set ?? []).map((text) => {
    const at = text.indexOf('=');
    return { path: text.slice(0, at), value: text.slice(at + 1), flag: `--set ${text.slice(0, at)}` };
  });
  const secret = flags.find(({ path }) => path === 'clickhouse.password');
  if (secret) {
    throw new EventlakeError(
      'invalid',
      'A password on the command line can be read by every user of this machine',
      { setting: secret.path },
      'Put it into EVENTLAKE_CLICKHOUSE_PASSWORD or the settings file.',
    );
  }
  if (globals.dataDir) flags.push({ path: 'dataDir', value: globals.dataDir, flag: '--data-dir' });
  if (globals.logLevel) flags.push({ path: 'logLevel', value: globals.logLevel, flag: '--log-level' });
  return flags;
}

function assignment(text: string, previous: string[] = []): string[] {
  if (!/^[^=\s]+=/.test(text)) throw new InvalidArgumentError('It must be setting=value.');
  return [...previous, text];
}

export function version(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}

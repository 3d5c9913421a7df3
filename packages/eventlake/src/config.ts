import { dirname, isAbsolute, resolve } from 'node:path';
import type { Settings } from './config/schema.js';
import { coerce, fullPath, isSecret, nearestSetting, settingPaths, settingsSchema } from './config/schema.js';
import {
  type Flag,
  fromEnvironment,
  fromFile,
  fromFlags,
  type Origin,
  type RawSetting,
} from './config/sources.js';
import { EventlakeError } from './errors.js';

export type { Settings } from './config/schema.js';
export type { Flag, Origin } from './config/sources.js';

/** What a settings file holds: any part of the settings. The rest has its defaults. */
export type SettingsInput = {
  [Key in keyof Settings]?:
    | (Settings[Key] extends object ? Partial<Settings[Key]> : Settings[Key])
    // One engine for all jobs.
    | (Key extends 'engine' ? Settings['engine']['default'] : never);
};

/** Gives a settings file (`eventlake.config.ts`) its types: `export default defineConfig({ … })`. */
export function defineConfig(settings: SettingsInput): SettingsInput {
  return settings;
}

export interface LoadOptions {
  /** Where `eventlake.config.*` is looked for, and what relative paths of flags and variables are relative to. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Settings from the command line, later ones winning. */
  flags?: readonly Flag[];
  /** A settings file to take instead of the one in `cwd`. */
  file?: string;
}

export interface LoadedSettings {
  settings: Settings;
  /** Setting path → where its value came from. */
  origins: ReadonlyMap<string, Origin>;
}

/**
 * The effective settings: defaults, then the settings file, then `EVENTLAKE_*`, then flags.
 * The only place that reads the environment and settings files.
 * @throws EventlakeError `invalid`, naming each wrong setting, where it came from and what is allowed.
 */
export async function loadSettings(options: LoadOptions): Promise<LoadedSettings> {
  const raw = [
    ...(await fromFile(options.cwd, options.file)),
    ...fromEnvironment(options.env),
    ...fromFlags(options.flags ?? []),
  ].map((setting) => ({ ...setting, path: fullPath(setting.path) }));
  refuseUnknown(raw);
  const origins = new Map<string, Origin>(settingPaths.map((path) => [path, { kind: 'default' }]));
  const merged: Record<string, unknown> = {};
  for (const { path, value, origin } of raw) {
    setPath(merged, path, origin.kind === 'file' ? value : coerce(path, value as string));
    origins.set(path, origin);
  }
  const settings = parse(merged, origins);
  const base = (path: string) => baseOf(origins.get(path), options.cwd);
  settings.dataDir = resolve(base('dataDir'), settings.dataDir);
  settings.lakehouse = lakehouseOf(settings, base('lakehouse'));
  const { tls } = settings.clickhouse;
  for (const name of ['certFile', 'keyFile'] as const)
    if (tls[name]) tls[name] = resolve(base(`clickhouse.tls.${name}`), tls[name]);
  const { s3 } = settings;
  if (s3.caFile) s3.caFile = resolve(base('s3.caFile'), s3.caFile);
  settings.pipeline = settings.pipeline.startsWith('.')
    ? resolve(base('pipeline'), settings.pipeline)
    : settings.pipeline;
  return { settings, origins };
}

/** The settings as `path → value`, passwords masked: what `eventlake config` shows. */
export function describeSettings(loaded: LoadedSettings): { path: string; value: unknown; origin: Origin }[] {
  return settingPaths.map((path) => {
    const value = getPath(loaded.settings, path);
    return {
      path,
      value: shown(path, value),
      origin: loaded.origins.get(path) ?? { kind: 'default' },
    };
  });
}

function shown(path: string, value: unknown): unknown {
  if (value === undefined) return value;
  if (isSecret(path)) return '********';
  // Spark's own notation has the token in the address.
  if (path === 'spark.url') return String(value).replace(/(token=)[^;]*/, '$1********');
  // It is refused with a password in it, but not by showing that.
  return path === 'clickhouse.url' ? String(value).replace(/\/\/[^/]*@/, '//********@') : value;
}

function refuseUnknown(raw: readonly RawSetting[]): void {
  const known = new Set(settingPaths);
  const unknown = raw.filter(({ path }) => !known.has(path));
  if (unknown.length === 0) return;
  const lines = unknown.map(({ path, origin }) => {
    const within = settingPaths.filter((known) => known.startsWith(`${path}.`));
    if (within.length > 0) return `${path} (${describeOrigin(origin)}) is a group of ${within.join(', ')}`;
    const nearest = nearestSetting(path);
    return `${path} (${describeOrigin(origin)})${nearest ? `: did you mean ${nearest}?` : ''}`;
  });
  throw new EventlakeError(
    'invalid',
    `There is no such setting: ${lines.join('; ')}`,
    { setting: unknown[0]!.path },
    '`eventlake config` lists all settings.',
  );
}

function parse(merged: Record<string, unknown>, origins: ReadonlyMap<string, Origin>): Settings {
  const result = settingsSchema.safeParse(merged);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const path = issue.path.join('.');
    const value = getPath(merged, path);
    return `${path} is ${JSON.stringify(shown(path, value))} (${describeOrigin(origins.get(path))}), but ${issue.message}`;
  });
  throw new EventlakeError(
    'invalid',
    `${lines.length === 1 ? 'A setting is' : `${lines.length} settings are`} wrong: ${lines.join('; ')}`,
    { setting: result.error.issues[0]!.path.join('.') },
    '`eventlake config` shows the effective settings and where each came from.',
  );
}

export function describeOrigin(origin: Origin | undefined): string {
  return !origin || origin.kind === 'default' ? 'default' : `from ${origin.name}`;
}

/** Relative paths in a settings file are relative to that file, all others to the working directory. */
function baseOf(origin: Origin | undefined, cwd: string): string {
  return origin?.kind === 'file' ? dirname(origin.name) : cwd;
}

function lakehouseOf(settings: Settings, base: string): string {
  if (settings.lakehouse === '') return resolve(settings.dataDir, 'lakehouse');
  const isUrl = /^[a-z][a-z0-9+.-]+:\/\//i.test(settings.lakehouse);
  return isUrl || isAbsolute(settings.lakehouse) ? settings.lakehouse : resolve(base, settings.lakehouse);
}

function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = target;
  for (const key of keys) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  at[last] = value;
}

function getPath(from: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], from);
}

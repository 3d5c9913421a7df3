import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settingPaths, variableName } from '../../packages/eventlake/src/config/schema.js';
import { describeSettings, loadSettings } from '../../packages/eventlake/src/config.js';
import { EventlakeError } from '../../packages/eventlake/src/errors.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-config-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const load = (env: Record<string, string> = {}, flags: Record<string, string> = {}, file?: string) =>
  loadSettings({
    cwd,
    env,
    flags: Object.entries(flags).map(([path, value]) => ({ path, value, flag: `--set ${path}` })),
    ...(file ? { file } : {}),
  });

async function refusal(promise: Promise<unknown>): Promise<EventlakeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EventlakeError);
  return error as EventlakeError;
}

describe('defaults', () => {
  test('are complete, and below the working directory', async () => {
    const { settings, origins } = await load();
    expect(settings.dataDir).toBe(join(cwd, '.eventlake'));
    expect(settings.lakehouse).toBe(join(cwd, '.eventlake', 'lakehouse'));
    expect(settings.rawLanding).toEqual({ commitIntervalMs: 1000, commitBytesMax: 64 * 1024 * 1024 });
    expect(settings.clickhouse.port).toBe(8123);
    expect([...origins.values()].every(({ kind }) => kind === 'default')).toBe(true);
  });

  test('the lakehouse follows the data folder', async () => {
    const { settings } = await load({}, { dataDir: 'elsewhere' });
    expect(settings.lakehouse).toBe(join(cwd, 'elsewhere', 'lakehouse'));
  });
});

describe('engines', () => {
  test('one for all jobs, or another for some, from file, variable or flag', async () => {
    await writeFile(join(cwd, 'eventlake.config.ts'), `export default { engine: 'spark' };`);
    expect((await load()).settings.engine).toEqual({ default: 'spark' });
    expect((await load({ EVENTLAKE_ENGINE: 'duckdb' })).settings.engine).toEqual({ default: 'duckdb' });
    const { settings, origins } = await load(
      { EVENTLAKE_ENGINE_SILVER_TO_GOLD: 'spark' },
      { engine: 'duckdb' },
    );
    expect(settings.engine).toEqual({ default: 'duckdb', 'silver-to-gold': 'spark' });
    expect(origins.get('engine.default')).toMatchObject({ kind: 'flag' });
  });

  test('an engine that there is not is refused', async () => {
    const error = await refusal(load({ EVENTLAKE_ENGINE: 'flink' }));
    expect(error.message).toContain('engine.default is "flink"');
    expect(error.message).toContain('"duckdb" or "spark"');
  });

  test('a token for Spark is shown nowhere, not in the address either', async () => {
    const loaded = await load({
      EVENTLAKE_SPARK_TOKEN: 'opensesame',
      EVENTLAKE_SPARK_URL: 'sc://host:443/;token=opensesame;use_ssl=true',
    });
    const shown = describeSettings(loaded).map(({ path, value }) => `${path}=${String(value)}`);
    expect(shown.join('\n')).not.toContain('opensesame');
    expect(shown).toContain('spark.url=sc://host:443/;token=********;use_ssl=true');
  });
});

describe('precedence', () => {
  test('file, then variables, then flags; each value remembers its source', async () => {
    await writeFile(
      join(cwd, 'eventlake.config.ts'),
      `type Port = number;
       export default { clickhouse: { port: 1 as Port, host: 'from.file' }, log: { partitions: 2 } };`,
    );
    const { settings, origins } = await load(
      { EVENTLAKE_CLICKHOUSE_PORT: '2', EVENTLAKE_LOG_PARTITIONS: '3' },
      { 'clickhouse.port': '4' },
    );
    expect(settings.clickhouse).toMatchObject({ host: 'from.file', port: 4 });
    expect(settings.log.partitions).toBe(3);
    expect(origins.get('clickhouse.host')).toEqual({ kind: 'file', name: join(cwd, 'eventlake.config.ts') });
    expect(origins.get('log.partitions')).toEqual({ kind: 'env', name: 'EVENTLAKE_LOG_PARTITIONS' });
    expect(origins.get('clickhouse.port')).toEqual({ kind: 'flag', name: '--set clickhouse.port' });
    expect(origins.get('logLevel')).toEqual({ kind: 'default' });
  });

  test.each(['eventlake.config.js', 'eventlake.config.mjs'])('%s is read too', async (name) => {
    await writeFile(join(cwd, 'package.json'), '{"type":"module"}');
    await writeFile(join(cwd, name), 'export default { logLevel: "warn" };');
    expect((await load()).settings.logLevel).toBe('warn');
  });

  test('a settings file may use defineConfig', async () => {
    const config = new URL('../../packages/eventlake/src/config.ts', import.meta.url).pathname;
    await writeFile(
      join(cwd, 'eventlake.config.ts'),
      `import { defineConfig } from ${JSON.stringify(config)};\nexport default defineConfig({ logLevel: 'debug' });`,
    );
    expect((await load()).settings.logLevel).toBe('debug');
  });

  test('relative paths are relative to the settings file that says them', async () => {
    await mkdir(join(cwd, 'etc'));
    await writeFile(
      join(cwd, 'etc', 'mine.mjs'),
      'export default { dataDir: "../data", pipeline: "./p.js" };',
    );
    const { settings } = await load({}, {}, 'etc/mine.mjs');
    expect(settings.dataDir).toBe(join(cwd, 'data'));
    expect(settings.pipeline).toBe(join(cwd, 'etc', 'p.js'));
  });

  test('a URL as lakehouse stays one, and an empty variable is as good as none', async () => {
    const { settings } = await load({ EVENTLAKE_LAKEHOUSE: 's3://bucket/lake', EVENTLAKE_LOG_LEVEL: '' });
    expect(settings.lakehouse).toBe('s3://bucket/lake');
    expect(settings.logLevel).toBe('info');
  });
});

describe('what is wrong', () => {
  test('names the setting, its source and what is allowed', async () => {
    const error = await refusal(load({ EVENTLAKE_CLICKHOUSE_PORT: 'eighty' }));
    expect(error.kind).toBe('invalid');
    expect(error.where.setting).toBe('clickhouse.port');
    expect(error.message).toContain('clickhouse.port is "eighty" (from EVENTLAKE_CLICKHOUSE_PORT)');
    expect(error.message).toContain('a whole number from 0 to 65535');
  });

  test('all of them at once', async () => {
    const error = await refusal(
      load({}, { 'producer.late': '1.5', logLevel: 'loud', 'log.partitions': '0.5' }),
    );
    expect(error.message).toContain('3 settings are wrong');
    expect(error.message).toContain(
      'producer.late is 1.5 (from --set producer.late), but it must be a share',
    );
    expect(error.message).toContain('silent, error, warn, info, debug');
    expect(error.message).toContain('log.partitions is 0.5');
  });

  test('an unknown setting is refused with the nearest known one, wherever it stands', async () => {
    expect((await refusal(load({}, { 'clickhouse.prot': '1' }))).message).toContain(
      'did you mean clickhouse.port?',
    );
    await writeFile(
      join(cwd, 'eventlake.config.mjs'),
      'export default { rawLanding: { comitIntervalMs: 1 } };',
    );
    const error = await refusal(load());
    expect(error.message).toContain(`rawLanding.comitIntervalMs (from ${join(cwd, 'eventlake.config.mjs')})`);
    expect(error.message).toContain('did you mean rawLanding.commitIntervalMs?');
  });

  test('an unknown variable is refused, but not those that steer tests', async () => {
    expect((await refusal(load({ EVENTLAKE_LOGLEVEL: 'x' }))).message).toContain(
      'did you mean EVENTLAKE_LOG_LEVEL?',
    );
    await load({ EVENTLAKE_CRASH_AT: 'raw-landing:after-plan' });
  });

  test('a group that is given a value, two files, a file that cannot be loaded, none where one is named', async () => {
    await writeFile(join(cwd, 'eventlake.config.mjs'), 'export default { log: 5 };');
    expect((await refusal(load())).message).toContain('is a group of log.partitions');
    await writeFile(join(cwd, 'eventlake.config.ts'), 'export default {');
    expect((await refusal(load())).message).toContain('several settings files');
    expect((await refusal(load({}, {}, 'eventlake.config.ts'))).message).toContain('cannot be loaded');
    expect((await refusal(load({}, {}, 'none.ts'))).kind).toBe('not-found');
  });
});

test('a password is never shown', async () => {
  const loaded = await load({ EVENTLAKE_CLICKHOUSE_PASSWORD: 'hunter2' });
  expect(loaded.settings.clickhouse.password).toBe('hunter2');
  expect(JSON.stringify(describeSettings(loaded))).not.toContain('hunter2');
});

test("every setting's variable is its own", () => {
  expect(variableName('rawLanding.commitIntervalMs')).toBe('EVENTLAKE_RAW_LANDING_COMMIT_INTERVAL_MS');
  expect(new Set(settingPaths.map(variableName)).size).toBe(settingPaths.length);
});

test('a password in clickhouse.url is refused, and not shown', async () => {
  const refused = await refusal(load({ EVENTLAKE_CLICKHOUSE_URL: 'http://ada:geheim@db:8123' }));
  expect(refused.message).toContain('without user and password');
  expect(refused.message).not.toContain('geheim');
});

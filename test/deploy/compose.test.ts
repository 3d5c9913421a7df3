import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildProgram } from '../../packages/eventlake/src/cli/main.js';
import { settingPaths, variableName } from '../../packages/eventlake/src/config/schema.js';
import { DEPLOY, readCompose, variablesOf } from './compose.js';

const FILES = ['compose.yaml', 'compose.embedded.yaml'];
const example = readFileSync(join(DEPLOY, '.env.example'), 'utf8');
const documented = new Map([...example.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));

describe.each(FILES)('%s', (name) => {
  const { text, services, volumes } = readCompose(name);
  const all = Object.entries(services);

  test('every image has a version, every service a probe and a way to come again', () => {
    for (const [service, { image, healthcheck, restart }] of all) {
      expect([service, image]).toEqual([service, expect.stringMatching(/:\d+\.\d+/)]);
      expect([service, Boolean(healthcheck?.test ?? healthcheck?.disable)]).toEqual([service, true]);
      expect([service, restart]).toEqual([service, 'unless-stopped']);
    }
  });

  test('every file that it names is there', () => {
    for (const [, { build, volumes: mounts = [] }] of all) {
      if (build) expect(existsSync(join(DEPLOY, build.context, build.dockerfile))).toBe(true);
      for (const mount of mounts) {
        const [from] = mount.split(':') as [string];
        if (from.startsWith('.')) expect([from, existsSync(join(DEPLOY, from))]).toEqual([from, true]);
        else expect(Object.keys(volumes)).toContain(from);
      }
    }
  });

  test('ports are open to this machine only', () => {
    const ports = all.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('services wait for those that are there and can say that they are healthy', () => {
    for (const [, { depends_on = {} }] of all) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe('service_healthy');
        expect(services[other]?.healthcheck?.test).toBeDefined();
      }
    }
  });

  test('what it takes from outside is documented; a secret has no default and must be given', () => {
    for (const { name, rest } of variablesOf(text)) {
      expect([...documented.keys()]).toContain(name);
      if (/PASSWORD/.test(name)) {
        expect(rest).toMatch(/^:\?/);
        expect(documented.get(name)).toBe('');
      } else expect(rest).toBe(`:-${documented.get(name)}`);
    }
  });

  test('what it sets for eventlake are settings, and its commands are commands', () => {
    const known = settingPaths.map(variableName);
    for (const [, { build, environment = {}, command = [] }] of all) {
      if (!build) continue;
      const unknown = Object.keys(environment).filter((name) => !known.includes(name));
      expect(unknown).toEqual([]);
      const program = buildProgram();
      const found = program.commands.find((one) => one.name() === command[0]);
      expect(found?.name()).toBe(command[0]);
      for (const option of command.filter((word) => word.startsWith('--'))) {
        const ofCommand = [found!, ...found!.commands, program].flatMap(({ options }) => options);
        expect(ofCommand.map(({ long }) => long)).toContain(option);
      }
    }
  });

  test("Grafana finds ClickHouse under its name, and every variable of the datasource's file", () => {
    const file = readFileSync(join(DEPLOY, 'grafana/provisioning/datasources/eventlake.yaml'), 'utf8');
    const { jsonData } = parse(file).datasources[0] as { jsonData: { host: string; port: number } };
    expect(Object.keys(services)).toContain(jsonData.host);
    expect(services[jsonData.host]!.ports).toContain(`127.0.0.1:${jsonData.port}:${jsonData.port}`);
    for (const [, variable] of file.matchAll(/\$(\w+)/g)) {
      expect(Object.keys(services.grafana!.environment!)).toContain(variable);
    }
  });

  test('Grafana loads the dashboards from where they are mounted', () => {
    const file = readFileSync(join(DEPLOY, 'grafana/provisioning/dashboards/eventlake.yaml'), 'utf8');
    const { path } = parse(file).providers[0].options as { path: string };
    expect(services.grafana!.volumes).toContain(`./grafana/dashboards:${path}:ro`);
    expect(services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(
      `${path}/user-events.json`,
    );
  });
});

test('Grafana is the same with and without a server', () => {
  const [one, other] = FILES.map((name) => readCompose(name).services.grafana);
  expect(one).toEqual(other);
});

test('what is documented is used', () => {
  const used = FILES.flatMap((name) => variablesOf(readCompose(name).text).map(({ name }) => name));
  expect([...documented.keys()].filter((name) => !used.includes(name))).toEqual([]);
});

test('the image runs as a user who is not root, what it copies is not what is ignored', () => {
  const dockerfile = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8');
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^ENTRYPOINT \["node", "\/app\/packages\/eventlake\/bin\/eventlake.js"\]$/m);
  const ignored = readFileSync(join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8').split('\n');
  expect(ignored).not.toContain('packages');
  expect(existsSync(join(DEPLOY, '../packages/eventlake/bin/eventlake.js'))).toBe(true);
});

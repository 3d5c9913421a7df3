import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempFolder } from './support/temp.js';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url));

it('the package works without the SDK of AWS, and says what tables on S3 need', async () => {
  const folder = await tempFolder();
  const installed = join(folder, 'node_modules/@eventlake/delta');
  await mkdir(installed, { recursive: true });
  for (const name of ['package.json', 'dist']) {
    await cp(join(PACKAGE, name), join(installed, name), { recursive: true });
  }
  const { dependencies } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  }
  const script = `
    import { createTable, memoryStore, required, s3Store, struct } from '@eventlake/delta';
    const table = await createTable(memoryStore(), 't', { schema: struct({ n: required('long') }) });
    await table.append([{ n: 1n }]);
    const { recordCount } = await table.snapshot();
    const { kind, hint } = await s3Store('s3://bucket').catch((error) => error);
    console.log(JSON.stringify({ recordCount, kind, hint }));`;
  await writeFile(join(folder, 'script.mjs'), script);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'script.mjs')]);
  expect(JSON.parse(stdout)).toEqual({
    recordCount: 1,
    kind: 'unsupported',
    hint: 'Run `npm install @aws-sdk/client-s3`.',
  });
});

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from './support/temp.js';

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('the packed package, installed alone in an empty folder, runs the README and types a consumer', async () => {
  const folder = await tempFolder();
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: PACKAGE });
  const { filename, files } = JSON.parse(stdout)[0] as { filename: string; files: { path: string }[] };
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']));
  expect(paths.filter((path) => /^test|tsbuildinfo/.test(path))).toEqual([]);

  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', type: 'module', private: true }),
  );
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await run('npm', ['install', ...options, `./${filename}`], { cwd: folder });

  const readme = readFileSync(join(folder, 'node_modules/@eventlake/delta/README.md'), 'utf8');
  const [, first = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
  await writeFile(join(folder, 'first.mjs'), first);
  const { stdout: printed } = await run(process.execPath, ['first.mjs'], { cwd: folder });
  const promised = [...first.matchAll(/^\/\/ → ?(.*)$/gm)].map(([, line]) => line);
  expect(printed.trimEnd().split('\n')).toEqual(promised);

  await writeFile(join(folder, 'consumer.ts'), CONSUMER);
  const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', ''];
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...strict, 'consumer.ts'], {
    cwd: folder,
  });
  const wrong = CONSUMER.replace("op: '<'", "op: 'below'");
  await writeFile(join(folder, 'consumer.ts'), wrong);
  const refused = run(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), ...strict, 'consumer.ts'],
    {
      cwd: folder,
    },
  );
  await expect(refused).rejects.toMatchObject({ stdout: expect.stringContaining('error TS') });
});

const CONSUMER = `
import { createTable, DeltaError, memoryStore, required, type Row, struct, type Table } from '@eventlake/delta';

const schema = struct({ id: required('long'), name: 'string' });
export const table: Table = await createTable(memoryStore(), 't', { schema });
const { status, version }: { status: string; version: number } = await table.append([{ id: 1n, name: 'Ada' }]);
const rows: Row[] = await table.scan({ where: { column: 'id', op: '<', value: 5 } }).toArray();
try {
  await table.delete({ where: { column: 'id', op: '=', value: version } });
} catch (error) {
  if (error instanceof DeltaError) throw new Error(error.kind + status + rows.length);
}
`;

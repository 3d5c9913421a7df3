import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesBelow } from '../layout/sources.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const below = (folder: string) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...below('docs').filter((name) => name.endsWith('.md')),
  ...below('docs/guide'),
  ...below('docs/decisions'),
  'packages/delta/README.md',
  'packages/eventlake/README.md',
];

test('the page of settings is what the declaration of the settings says', () => {
  const { stdout } = spawnSync(process.execPath, [join(ROOT, 'scripts/settings-guide.mjs')], {
    encoding: 'utf8',
  });
  // The formatter aligns tables.
  const unaligned = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim();
  expect(unaligned(readFileSync(join(ROOT, 'docs/guide/settings.md'), 'utf8'))).toBe(unaligned(stdout));
});

test.each(PAGES)('%s: its links lead somewhere', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target!);
  const local = targets.filter((target) => !/^[a-z]+:/.test(target));
  expect(local.filter((target) => !existsSync(resolve(ROOT, dirname(page), target)))).toEqual([]);
});

test('every page is linked from another one', () => {
  const linked = new Set(
    PAGES.flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => resolve(ROOT, dirname(page), target!))
        .filter((target) => target !== join(ROOT, page)),
    ),
  );
  // A decision is found in its folder, which is linked.
  const pages = PAGES.filter((page) => page.startsWith('docs/') && !page.startsWith('docs/decisions/'));
  expect(pages.filter((page) => !linked.has(join(ROOT, page)))).toEqual([]);
});

const FILES = ['packages', 'pipelines', 'deploy', 'scripts', 'test', 'bench'].flatMap((folder) =>
  filesBelow(join(ROOT, folder)),
);
/** What a user has, and bare endings. */
const NOT_OURS = /^(eventlake\.config)?\.\w+$/;

test.each(PAGES)('%s: the files that it names are there', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|py|sql|svg|xml|yaml|conf))`/g)].map(
    ([, name]) => name!,
  );
  const missing = named.filter(
    (name) => !NOT_OURS.test(name) && !FILES.some((path) => path.endsWith(`/${name}`)),
  );
  expect(missing).toEqual([]);
});

test('every decision has a number of its own', () => {
  const numbers = readdirSync(join(ROOT, 'docs/decisions')).map((name) => name.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
});

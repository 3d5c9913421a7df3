import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decompress } from 'fzstd';

/** Tables that other engines wrote, from delta-io/delta-kernel-rs (Apache-2.0): beside the repository, not in it. */
export const GOLDEN = fileURLToPath(new URL('../../../../../shared/golden', import.meta.url));
export const hasGolden = existsSync(GOLDEN);

/** Unpacks one archive into a new folder; the caller removes it. */
export async function unpackGolden(name: string): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'eventlake-golden-'));
  const tar = decompress(readFileSync(join(GOLDEN, `${name}.tar.zst`)));
  for (const { path, data } of tarEntries(tar)) {
    const target = join(folder, path);
    if (path.split('/').includes('..')) throw new Error(`${name} holds ${path}`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, data);
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The plain files of a ustar archive, with pax headers and GNU's for long names. */
function* tarEntries(tar: Uint8Array): Generator<{ path: string; data: Uint8Array }> {
  const text = (from: number, to: number): string =>
    Buffer.from(tar.subarray(from, to)).toString('utf8').replace(/\0.*$/s, '');
  let longName: string | undefined;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136).trim(), 8);
    const type = String.fromCharCode(tar[at + 156] as number);
    const prefix = text(at + 345, at + 500);
    const name = prefix ? `${prefix}/${text(at, at + 100)}` : text(at, at + 100);
    const data = tar.subarray(at + 512, at + 512 + size);
    if (type === 'x')
      longName = /\d+ path=([^\n]*)\n/.exec(Buffer.from(data).toString('utf8'))?.[1] ?? longName;
    else if (type === 'L') longName = Buffer.from(data).toString('utf8').replace(/\0$/, '');
    else {
      if (type === '0' || type === '\0') yield { path: longName ?? name, data };
      longName = undefined;
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

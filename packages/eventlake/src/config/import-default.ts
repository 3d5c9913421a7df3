import { pathToFileURL } from 'node:url';

/** The default export of a module that a user wrote. Node 20 runs no TypeScript by itself, so `.ts` takes a loader. */
export async function importDefault(path: string): Promise<unknown> {
  if (!path.endsWith('.ts'))
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url, { moduleCache: false, fsCache: false }).import(path, { default: true });
}

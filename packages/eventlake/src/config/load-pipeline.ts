import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EventlakeError } from '../errors.js';
import type { PipelineDefinition } from '../schema/definition.js';
import { importDefault } from './import-default.js';

/**
 * The pipeline that the setting `pipeline` names: a package, looked for from `cwd` and then beside eventlake, or the
 * absolute path of a module, TypeScript included.
 * @throws EventlakeError `not-found`, or `invalid` where the module declares none.
 */
export async function loadPipeline(specifier: string, cwd: string): Promise<PipelineDefinition> {
  const module = await load(specifier, cwd);
  if (isPipeline(module)) return module;
  throw new EventlakeError(
    'invalid',
    `${specifier} declares no pipeline`,
    { setting: 'pipeline' },
    'Its default export must be `definePipeline({ … })`.',
  );
}

async function load(specifier: string, cwd: string): Promise<unknown> {
  try {
    return await importDefault(isAbsolute(specifier) ? specifier : locate(specifier, cwd));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const kind = isNotFound(cause) ? 'not-found' : 'invalid';
    throw new EventlakeError(
      kind,
      `The pipeline ${specifier} cannot be loaded: ${message}`,
      { setting: 'pipeline' },
      kind === 'not-found' ? 'Install that package, or set `pipeline` to the path of a module.' : undefined,
      { cause },
    );
  }
}

function locate(specifier: string, cwd: string): string {
  for (const from of [pathToFileURL(join(cwd, 'from-here.js')).href, import.meta.url]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  throw Object.assign(new Error('there is no such module'), { code: 'MODULE_NOT_FOUND' });
}

function isNotFound(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'].includes(code);
}

function isPipeline(value: unknown): value is PipelineDefinition {
  const pipeline = value as Partial<PipelineDefinition> | undefined;
  return Boolean(pipeline?.event?.topic && pipeline.gold && pipeline.live);
}

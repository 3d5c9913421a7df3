import type { Components } from '../../components.js';
import { EventlakeError } from '../../errors.js';
import type { Invocation } from '../invocation.js';

/** The components for a command that looks at what is there or mends it. @throws EventlakeError where nothing is there. */
export async function openForCommand(
  { settings, json, crashAt }: Invocation,
  signal: AbortSignal = new AbortController().signal,
): Promise<Components> {
  const { openComponents, openExistingLog } = await import('../../components.js');
  const { makeLogger } = await import('../terminal/logger.js');
  const log = await openExistingLog(settings);
  if (!log) {
    throw new EventlakeError(
      'not-found',
      'Nothing is there yet',
      { file: settings.dataDir },
      '`eventlake dev` makes it and fills it; --data-dir names another folder.',
    );
  }
  await log.close();
  // Beside a result only what is wrong is worth a line.
  const logger = makeLogger('command', settings.logLevel === 'silent' ? 'silent' : 'warn', json);
  return openComponents({
    settings,
    logger,
    signal,
    cwd: process.cwd(),
    // Under `dev` the endpoint is a process of its own.
    opensClickHouse: !process.send,
    crashAt,
  });
}

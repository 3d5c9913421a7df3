import type { Settings } from '../config.js';
import { EventlakeError } from '../errors.js';
import type { JobContext } from '../jobs/job.js';

/** The components of the settings for a command that reads or mends. */
export async function openContext(
  _settings: Settings,
  _name: string,
): Promise<Pick<JobContext, 'pipeline' | 'log' | 'engine'> & { close(): Promise<void> }> {
  throw new EventlakeError('internal', 'Not built yet');
}

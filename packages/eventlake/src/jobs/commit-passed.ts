import type { JobContext, JobName } from './job.js';
import type { Passed } from './passed.js';

/**
 * Tells the log how far a job has come, for retention and for those who look. Its topic may have got partitions since:
 * of those nothing has been taken. In another topic of its name the offsets would mean something else.
 */
export async function commitPassed(
  { log, pipeline }: Pick<JobContext, 'log' | 'pipeline'>,
  job: JobName,
  { topicId, position }: Pick<Passed, 'topicId' | 'position'>,
): Promise<void> {
  const { topic } = pipeline.event;
  const info = await log.topic(topic);
  if (info.topicId !== topicId) return;
  const positions = info.partitions.map(({ partition }) => position[partition] ?? 0);
  await log.commitPositions(job, topic, positions);
}

import type { TopicInfo } from '../log/event-log.js';
import type { JobContext, JobName } from './job.js';
import type { Passed } from './passed.js';

/**
 * Where a job begins that has planned nothing yet: with the oldest record, also where the log knows it from another lake.
 * What retention was forced to remove since an earlier start is behind the position, so that it is seen to be gone.
 */
export async function beginning(
  { log, pipeline }: Pick<JobContext, 'log' | 'pipeline'>,
  job: JobName,
  { topicId, partitions }: TopicInfo,
): Promise<Passed> {
  const known = log.advisoryPositions ? undefined : await log.positions(job, pipeline.event.topic);
  const position = partitions.map(({ partition, startOffset }) =>
    Math.min(known?.[partition] ?? startOffset, startOffset),
  );
  return { topicId, start: position, position };
}

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

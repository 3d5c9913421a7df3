import { loadPipeline } from '../../../config/load-pipeline.js';
import type { Settings } from '../../../config.js';
import { type Finding, failed } from './finding.js';

const CHECK = 'kafka';
/** Somebody waits for the answer. */
const TIMEOUT_MS = 5_000;

/** Do the brokers answer, let us in, and speak what we speak; what is the topic like? */
export async function kafkaFinding({ log: { kafka }, pipeline }: Settings): Promise<Finding> {
  const timeouts = { connectTimeoutMs: TIMEOUT_MS, requestTimeoutMs: TIMEOUT_MS, retryTimeoutMs: TIMEOUT_MS };
  const { describeKafka } = await import('../../../log/kafka-log.js');
  try {
    const { event } = await loadPipeline(pipeline, process.cwd());
    const { brokers, release, topic } = await describeKafka({ ...kafka, ...timeouts }, event.topic);
    const cluster = `${brokers} ${brokers === 1 ? 'broker answers' : 'brokers answer'}${release ? ` (Kafka ${release})` : ''}`;
    if (!topic) {
      const message = `${cluster}; the topic ${event.topic} is not there yet, whoever produces first makes it`;
      return { check: CHECK, status: 'ok', message };
    }
    const message = `${cluster}; ${event.topic} has ${topic.partitions} partitions, ${topic.timestampType}`;
    if (topic.shortOfReplicas > 0) {
      const short = `${message}; ${topic.shortOfReplicas} of them are short of replicas in sync`;
      const remedy = 'A broker is away, or behind: see to it, before another one is.';
      return { check: CHECK, status: 'warn', message: short, remedy };
    }
    if (topic.timestampType === 'LogAppendTime') return { check: CHECK, status: 'ok', message };
    const remedy =
      'Records have the time that their producers give them: set message.timestamp.type=LogAppendTime on the topic, so that no clock of theirs decides which events are from the future.';
    return { check: CHECK, status: 'warn', message, remedy };
  } catch (error) {
    return failed(CHECK, error);
  }
}

import { type ErrorKind, EventlakeError, type Where } from '../../errors.js';
import { code, isForbidden, isRetriable, nameOf } from './protocol/error-codes.js';

/** A broker's refusal as one of our errors; `unavailable` where asking again may help. */
export function kafkaError(errorCode: number, doing: string, where: Where, detail?: string): EventlakeError {
  return new EventlakeError(
    kindOf(errorCode),
    `Kafka refuses to ${doing}: ${nameOf(errorCode)}${detail ? `, ${detail}` : ''}`,
    where,
    isForbidden(errorCode)
      ? 'The user of log.kafka.sasl needs the right to do this: see the guide on Kafka.'
      : undefined,
  );
}

export function topicNotFound(topic: string): EventlakeError {
  return new EventlakeError('not-found', `There is no topic ${topic}`, { topic });
}

function kindOf(errorCode: number): ErrorKind {
  if (isRetriable(errorCode)) return 'unavailable';
  if (isForbidden(errorCode)) return 'forbidden';
  if (errorCode === code.UNKNOWN_TOPIC_OR_PARTITION || errorCode === code.UNKNOWN_TOPIC_ID)
    return 'not-found';
  if (errorCode === code.MESSAGE_TOO_LARGE || errorCode === code.RECORD_LIST_TOO_LARGE) return 'limit';
  return 'invalid';
}

/**
 * Tries until it succeeds, or fails with something that trying again does not help, or the time is over: then the last
 * error is thrown. Pauses grow from 5 ms to a second. For whoever is stopping one failure is enough.
 */
export async function retrying<T>(
  timeoutMs: number,
  stopping: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error) || stopping?.aborted || performance.now() + pauseMs > deadlineMs) throw error;
      await pause(pauseMs, stopping);
    }
  }
}

export function mayPass(error: unknown): boolean {
  return error instanceof EventlakeError && error.kind === 'unavailable';
}

/** Ends early on abort. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}

import type { Reader, Writer } from './wire.js';

/** One kind of request in one version, and how its answer is read. */
export interface Api<Request, Response> {
  name: string;
  key: number;
  version: number;
  /** Compact types and tagged fields, KIP-482. */
  flexible?: boolean;
  /** Undefined answer: the broker sends none. */
  write(to: Writer, request: Request): void;
  read(from: Reader): Response;
}

/**
 * One version of each API, chosen so that every broker from 3.0 to 4.x has it; `Fetch` has two, since topic ids came
 * in 3.1. The plain encoding before KIP-482 is preferred where both are there: it is simpler, and says the same.
 */
export function api<Request, Response>(definition: Api<Request, Response>): Api<Request, Response> {
  return definition;
}

export interface TopicPartitions<P> {
  topic: string;
  partitions: P[];
}

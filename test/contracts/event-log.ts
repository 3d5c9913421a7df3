import { describe } from 'vitest';
import { appendingAndReading } from './event-log/appending.js';
import type { EventLogHarness } from './event-log/harness.js';
import { limits } from './event-log/limits.js';
import { positionsAndSources } from './event-log/positions.js';
import { processes } from './event-log/processes.js';
import { retention } from './event-log/retention.js';
import { topics } from './event-log/topics.js';
import { waiting } from './event-log/waiting.js';

export type { EventLogHarness } from './event-log/harness.js';

/** What every event log must do, embedded or Kafka. */
export function eventLogContract(harness: EventLogHarness): void {
  describe('topics', () => topics(harness));
  describe('appending and reading', () => appendingAndReading(harness));
  describe('limits', () => limits(harness));
  describe('positions and sources', () => positionsAndSources(harness));
  describe('waiting', () => waiting(harness));
  describe('retention', () => retention(harness));
  describe('several processes', () => processes(harness));
}

import fc from 'fast-check';
import type { NewRecord } from '../../packages/eventlake/src/log/record-batch.js';
import { NOON_MS } from './lake.js';

const MINUTE_MS = 60_000;

export interface ShopEvent {
  event_id: string | null;
  user_id: number | string | null;
  event_type: string;
  page: string | null;
  timestamp: string;
  source: string;
}

/** Event number `n`: always the same one, a second after the one before. */
export function event(n: number, other: Partial<ShopEvent> = {}): ShopEvent {
  return {
    event_id: idOf(n),
    user_id: n % 7,
    event_type: ['login', 'click', 'purchase', 'logout'][n % 4]!,
    page: `/page/${n % 5}`,
    timestamp: at(NOON_MS + n * 1000),
    source: n % 2 ? 'web' : 'mobile',
    ...other,
  };
}

/** A click, this many minutes after noon. */
export function click(n: number, minutes: number): ShopEvent {
  return event(n, { event_type: 'click', timestamp: at(NOON_MS + minutes * MINUTE_MS) });
}

export function idOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export function at(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000+00:00`;
}

export function records(events: readonly (ShopEvent | string)[]): NewRecord[] {
  return events.map((one) =>
    typeof one === 'string'
      ? { key: 'click', value: one }
      : { key: one.event_type, value: JSON.stringify(one) },
  );
}

/** Events of bad days: few ids, times of all kinds, fields that break a rule, and what is no event at all. */
export const badDay: fc.Arbitrary<ShopEvent | string> = fc.oneof(
  {
    arbitrary: fc
      .tuple(fc.nat(60), fc.nat(120))
      .map(([n, s]) => event(n, { timestamp: at(NOON_MS + s * 1000) })),
    weight: 12,
  },
  { arbitrary: fc.nat(60).map((n) => event(n)), weight: 6 },
  {
    arbitrary: fc
      .tuple(fc.nat(60), fc.constantFrom(-5, -26 * 60, -40 * 24 * 60, 4, 6, 400 * 24 * 60))
      .map(([n, minutes]) => event(n, { timestamp: at(NOON_MS + minutes * MINUTE_MS) })),
    weight: 4,
  },
  { arbitrary: fc.nat(60).map((n) => event(n, { event_id: idOf(n).toUpperCase() })), weight: 1 },
  { arbitrary: fc.nat(60).map((n) => event(n, { user_id: null, page: null })), weight: 1 },
  {
    arbitrary: fc
      .tuple(
        fc.nat(60),
        fc.constantFrom<Partial<ShopEvent>>(
          { event_id: null },
          { event_id: 'no uuid' },
          { user_id: 2 ** 31 },
          { user_id: ' 5 ' },
          { event_type: 'view' },
          { source: 'fridge' },
          { timestamp: '2025-02-30T10:00:00Z' },
          { timestamp: '12:00:00' },
        ),
      )
      .map(([n, other]) => event(n, other)),
    weight: 2,
  },
  { arbitrary: fc.constantFrom('{"event_id": ', '[]', '7', '', '{"a":1,"a":2}', '{} trailing'), weight: 1 },
);

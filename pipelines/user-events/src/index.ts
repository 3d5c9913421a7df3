import { definePipeline } from 'eventlake';
import { dashboards } from './dashboards.js';
import { userEvents } from './event.js';
import { gold } from './gold.js';
import { live } from './live.js';
import { simulate } from './simulator/simulate.js';

export { type UserEvent, userEvents } from './event.js';

/** The shop's events, from the log to the dashboards. */
export default definePipeline({
  event: userEvents,
  gold,
  live,
  dashboards,
  futureToleranceMs: 5 * 60_000,
  simulate,
});

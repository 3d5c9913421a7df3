import { defineEvent, type EventOf, integer, oneOf, text, timestamp, uuid } from 'eventlake';

/** What the shop tells: somebody did something on a page. */
export const userEvents = defineEvent({
  name: 'user_events',
  topic: 'user-events',
  id: 'event_id',
  time: 'timestamp',
  key: 'event_type',
  fields: {
    event_id: uuid(),
    user_id: integer().optional(),
    event_type: oneOf('login', 'click', 'purchase', 'logout'),
    page: text().optional(),
    timestamp: timestamp(),
    source: oneOf('web', 'mobile'),
  },
});

export type UserEvent = EventOf<typeof userEvents>;

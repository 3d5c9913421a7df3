import { EventlakeError, type SimulateOptions, type Simulation } from 'eventlake';
import { Memory } from './memory.js';
import { createRandom, type Random } from './random.js';
import { createShop, eventTypes } from './shop.js';
import { type Event, RecordWriter } from './writer.js';
import { zoo } from './zoo.js';

/**
 * The simulated shop. The same options and the same calls give the same bytes; and so does cutting the calls differently
 * while the events keep their pace.
 * @throws EventlakeError `invalid` where the dials are no shares, or more than everything together.
 */
export function simulate(options: SimulateOptions): Simulation {
  checkDials(options);
  const random = createRandom(options.seed);
  const nextAct = createShop(options.users, random);
  const memory = new Memory(random);
  const event: Event = { id0: 0, id1: 0, id2: 0, id3: 0, userId: 0, type: 0, page: 0, source: 0, timeUs: 0 };

  const malformed = share(options.malformed);
  const duplicate = malformed + share(options.duplicates);
  const late = duplicate + share(options.late);
  const outOfOrder = late + share(options.outOfOrder);
  let nowUs = options.startMs * 1000;

  return {
    next(count, untilMs) {
      const writer = new RecordWriter(count);
      const fromUs = nowUs;
      const spanUs = Math.max(0, untilMs * 1000 - fromUs);
      for (let i = 0; i < count; i++) {
        const slotUs = fromUs + Math.floor((spanUs * i) / count);
        nowUs = fromUs + Math.floor((spanUs * (i + 1)) / count);
        writeNext(writer, slotUs + random.below(Math.max(1, nowUs - slotUs)));
      }
      return writer.toBatch();
    },
  };

  function writeNext(writer: RecordWriter, timeUs: number): void {
    const dial = random.u32();
    if (dial >= malformed && dial < duplicate && memory.recall(event, timeUs)) {
      writer.writeEvent(event);
      return;
    }
    newEvent(timeUs);
    if (dial < malformed) {
      writeMalformed(writer);
      return;
    }
    if (dial >= duplicate && dial < late) event.timeUs = Math.max(0, timeUs - lateByUs(random));
    else if (dial >= late && dial < outOfOrder)
      event.timeUs = Math.max(0, timeUs - random.below(90 * second));
    if (options.duplicates > 0) memory.remember(event);
    writer.writeEvent(event);
  }

  function newEvent(timeUs: number): void {
    nextAct(event);
    // The version and variant of a random UUID, RFC 9562 section 5.4.
    event.id0 = random.u32();
    event.id1 = (random.u32() & 0xffff0fff) | 0x4000;
    event.id2 = (random.u32() & 0x3fffffff) | 0x80000000;
    event.id3 = random.u32();
    event.timeUs = timeUs;
  }

  function writeMalformed(writer: RecordWriter): void {
    const one = new RecordWriter(1);
    one.writeEvent(event);
    const { values } = one.toBatch();
    const made = zoo[random.below(zoo.length)]!.make(decoder.decode(values), random);
    const record = typeof made === 'string' ? encoder.encode(made) : made;
    // Now and then without the key too: a client that is broken is broken everywhere.
    writer.writeBytes(record, random.chance(0.1) ? null : eventTypes[event.type]!);
  }
}

const second = 1_000_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Beyond every watermark: mostly minutes (a tunnel), now and then a day (a phone that was off). */
function lateByUs(random: Random): number {
  const days = random.chance(0.1) ? 1 + random.below(3) : 0;
  return days * 86_400 * second + 200 * second + random.below(1800) * second;
}

/** As a number of the 2^32 that a dial can show. */
function share(dial: number): number {
  return dial * 2 ** 32;
}

function checkDials(options: SimulateOptions): void {
  const { duplicates, malformed, late, outOfOrder } = options;
  const dials = { duplicates, malformed, late, outOfOrder };
  const wrong = Object.entries(dials).find(([, value]) => !(value >= 0 && value <= 1));
  if (wrong !== undefined) {
    throw new EventlakeError(
      'invalid',
      `The dial ${wrong[0]} is ${wrong[1]}.`,
      {},
      'Dials are shares of 0 to 1.',
    );
  }
  if (Object.values(dials).reduce((sum, value) => sum + value, 0) > 1) {
    throw new EventlakeError(
      'invalid',
      'The dials are more than 1 together.',
      {},
      'Each event has one at most.',
    );
  }
  if (!Number.isInteger(options.users) || options.users < 1 || options.users > 2 ** 31 - 1) {
    throw new EventlakeError(
      'invalid',
      `A shop of ${options.users} users.`,
      {},
      'Give a whole number from 1.',
    );
  }
}

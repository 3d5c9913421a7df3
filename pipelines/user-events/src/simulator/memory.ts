import type { Random } from './random.js';
import type { Event } from './writer.js';

const size = 4096;

/** Events that may be sent again: the last one, and some of long ago. */
export class Memory {
  private readonly bits = new Uint32Array(size * 8);
  private readonly timesUs = new Float64Array(size);
  private filled = 0;
  private last = -1;

  constructor(private readonly random: Random) {}

  /** Always the last one; into a place that the next one takes over, except for one in sixteen, which stays. */
  remember(event: Event): void {
    const stays = this.filled < size - 1 || (this.random.u32() & 15) === 0;
    if (stays) {
      this.last = this.filled < size - 1 ? this.filled++ : this.random.below(size - 1);
    } else {
      this.last = size - 1;
    }
    this.store(this.last, event);
  }

  /**
   * Fills in an event that was sent before: half of them the last one, as a client does that had no answer; the others of
   * some time ago; one in ten of all with its id alone the same and the time of now.
   * @returns false where there is none yet.
   */
  recall(event: Event, nowUs: number): boolean {
    if (this.last < 0) return false;
    this.load(this.random.chance(0.5) ? this.last : this.random.below(this.filled), event);
    if (this.random.chance(0.1)) event.timeUs = nowUs;
    return true;
  }

  private store(place: number, event: Event): void {
    const { bits } = this;
    const at = place * 8;
    bits[at] = event.id0;
    bits[at + 1] = event.id1;
    bits[at + 2] = event.id2;
    bits[at + 3] = event.id3;
    bits[at + 4] = event.userId;
    bits[at + 5] = event.type;
    bits[at + 6] = event.page;
    bits[at + 7] = event.source;
    this.timesUs[place] = event.timeUs;
  }

  private load(place: number, event: Event): void {
    const { bits } = this;
    const at = place * 8;
    event.id0 = bits[at]!;
    event.id1 = bits[at + 1]!;
    event.id2 = bits[at + 2]!;
    event.id3 = bits[at + 3]!;
    event.userId = bits[at + 4]!;
    event.type = bits[at + 5]!;
    event.page = bits[at + 6]!;
    event.source = bits[at + 7]!;
    event.timeUs = this.timesUs[place]!;
  }
}

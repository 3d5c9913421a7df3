import type { Role } from './auth.js';

/**
 * Lets `concurrentMax` through at a time and `waitingMax` of each role wait, first come, first served. Some places are the
 * writer's alone, and it goes first: however many readers take their results slowly, the jobs go on.
 */
export class AdmissionQueue {
  readonly readersMax: number;
  #running = 0;
  readonly #waiting: Record<Role, (() => void)[]> = { writer: [], reader: [] };

  constructor(
    readonly concurrentMax: number,
    readonly waitingMax: number,
  ) {
    this.readersMax = concurrentMax - Math.max(1, Math.floor(concurrentMax / 4));
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.reader.length + this.#waiting.writer.length;
  }

  /** Resolves with what gives the place back; undefined where the queue is full or the signal came first. */
  async enter(role: Role, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#hasPlace(role)) this.#running++;
    else {
      if (this.#waiting[role].length >= this.waitingMax) return undefined;
      const admitted = await this.#wait(role, signal);
      if (!admitted) return undefined;
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#running--;
      this.#admitNext();
    };
  }

  #hasPlace(role: Role): boolean {
    return this.#running < (role === 'writer' ? this.concurrentMax : this.readersMax);
  }

  #admitNext(): void {
    const role = this.#waiting.writer.length > 0 ? 'writer' : 'reader';
    if (this.#waiting[role].length === 0 || !this.#hasPlace(role)) return;
    this.#running++;
    this.#waiting[role].shift()!();
  }

  #wait(role: Role, signal: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting[role];
    return new Promise((resolve) => {
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        const at = waiting.indexOf(admit);
        if (at >= 0) waiting.splice(at, 1);
        resolve(false);
      };
      waiting.push(admit);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

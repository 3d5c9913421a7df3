import { LINE_TEMPLATE_SHARE_MIN, LINE_TEMPLATES_KNOWN_MAX, LINE_TEMPLATES_MAX } from '../limits.js';
import { type LineTemplate, learnTemplate, matchesSql } from './line-template.js';

/** The shapes that an event's records have had, from one read to the next. */
export class LineShapes {
  /** The last read had records of no known shape. */
  expectUnproven = false;
  readonly #names: readonly string[];
  /** With how often each was met, the past counting half with each read. */
  readonly #known = new Map<string, { template: LineTemplate; count: number }>();

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Looks at one record. */
  learn(text: string): void {
    const template = learnTemplate(text, this.#names);
    if (!template) return;
    const known = this.#known.get(template.signature);
    if (known) known.count += 1;
    else this.#known.set(template.signature, { template, count: 1 });
    if (this.#known.size > LINE_TEMPLATES_KNOWN_MAX) this.#forgetRarest();
  }

  /**
   * SQL that is true where `json` has one of the usual shapes, and else false or null. The most frequent is tried first;
   * a rare one would cost more for all the others than it saves.
   */
  provenSql(json: string, fields: string): string {
    const known = [...this.#known.values()].sort((a, b) => b.count - a.count);
    const total = known.reduce((sum, { count }) => sum + count, 0);
    const usual = known
      .slice(0, LINE_TEMPLATES_MAX)
      .filter(({ count }) => count >= LINE_TEMPLATE_SHARE_MIN * total);
    for (const shape of known) shape.count /= 2;
    if (usual.length === 0) return 'FALSE';
    const cases = usual.map(({ template }) => `WHEN ${matchesSql(template, json, fields)} THEN TRUE`);
    return `CASE ${cases.join(' ')} ELSE FALSE END`;
  }

  #forgetRarest(): void {
    const [rarest] = [...this.#known.entries()].sort(([, a], [, b]) => a.count - b.count);
    this.#known.delete(rarest![0]);
  }
}

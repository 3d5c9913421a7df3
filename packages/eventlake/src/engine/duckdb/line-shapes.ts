import { LINE_TEMPLATES_MAX } from './limits.js';
import { type LineTemplate, learnTemplate, matchesSql } from './line-template.js';

/** The shapes that an event's records have had, from one read to the next. */
export class LineShapes {
  /** The last read had records of no known shape. */
  expectUnproven = false;
  readonly #names: readonly string[];
  /** Most recently met last. */
  readonly #templates = new Map<string, LineTemplate>();

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Looks at one record; what has not been met for the longest time makes room. */
  learn(text: string): void {
    const template = learnTemplate(text, this.#names);
    if (!template) return;
    this.#templates.delete(template.signature);
    this.#templates.set(template.signature, template);
    if (this.#templates.size > LINE_TEMPLATES_MAX) {
      const [oldest] = this.#templates.keys();
      this.#templates.delete(oldest!);
    }
  }

  /** SQL that is true where `json` has a known shape, and else false or null. */
  provenSql(json: string, fields: string): string {
    // In a fixed order, so that equal sets of shapes give equal SQL.
    const templates = [...this.#templates.values()].sort((a, b) => (a.signature < b.signature ? -1 : 1));
    if (templates.length === 0) return 'FALSE';
    const cases = templates.map((template) => `WHEN ${matchesSql(template, json, fields)} THEN TRUE`);
    return `CASE ${cases.join(' ')} ELSE FALSE END`;
  }
}

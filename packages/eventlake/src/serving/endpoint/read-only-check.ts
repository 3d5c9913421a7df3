import type { EngineConnection } from './engine.js';
import { exceptions } from './errors.js';

/** Longer texts are rarely asked twice. */
const TEXT_MAX = 4 * 1024;
const SHAPES_MAX = 256;

/**
 * What ClickHouse's own parser says of a reader's statement, after the guard. It takes a good part of a small query, and a
 * dashboard asks the same again with other numbers all day long: of what was found to only read, texts that differ in whole
 * numbers alone are not asked about again. No keyword and no name is a number, so they parse to the same statement, or not
 * at all.
 */
export class ReadOnlyCheck {
  /** Texts with each number as 0. The oldest goes first. */
  readonly #shapes = new Set<string>();

  /** @throws ClickHouseException where it does more than read. A text that does not parse goes on, for its error message. */
  async mustOnlyRead(connection: Pick<EngineConnection, 'classify'>, text: string): Promise<void> {
    const shape = text.length <= TEXT_MAX ? text.replaceAll(/\b\d+\b/g, '0') : undefined;
    if (shape !== undefined && this.#shapes.has(shape)) return;
    const { statementCount, queryClass } = await connection.classify(text);
    if (statementCount === 0) return;
    if (statementCount !== 1 || queryClass !== 0) {
      throw exceptions.refused('statements that do more than read');
    }
    if (shape !== undefined) this.#remember(shape);
  }

  #remember(shape: string): void {
    this.#shapes.add(shape);
    for (const oldest of this.#shapes) {
      if (this.#shapes.size <= SHAPES_MAX) return;
      this.#shapes.delete(oldest);
    }
  }
}

import type { Engine } from '../engine.js';
import { tokens } from '../sql/lexer.js';

/** What the engine has, as far as results depend on it. */
export interface Catalogue {
  /** Changes whenever anything but rows has changed. */
  epoch: number;
  /** Bare names of tables whose rows change by statements only → the full names that they may mean. */
  plain: ReadonlyMap<string, readonly string[]>;
  /** Bare names of all others: views, and tables over files that other processes write. */
  others: ReadonlySet<string>;
  /** Lower-case names of functions whose value is not given by their arguments. */
  unstable: ReadonlySet<string>;
}

const TABLES = `
SELECT database || '\\t' || name || '\\t' || engine FROM system.tables
WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')`;

/** Aggregates are unknown to the engine in this respect, and are as stable as their rows. */
const UNSTABLE = `SELECT lower(name) FROM system.functions WHERE NOT ifNull(deterministic, is_aggregate)`;

/**
 * A number for each table that goes up with every statement that may have changed its rows. All statements pass here: a
 * process has its folder for itself.
 */
export class TableVersions {
  readonly #versions = new Map<string, number>();
  #epoch = 0;
  #catalogue: Catalogue | undefined;
  #loading: Promise<void> | undefined;
  #unstable: ReadonlySet<string> | undefined;
  /** Rows of one table make rows of another. */
  #isChained = false;

  constructor(readonly engine: Engine) {}

  versionOf(table: string): number {
    return this.#versions.get(table) ?? 0;
  }

  /** Undefined where it changes right now. */
  async catalogue(): Promise<Catalogue | undefined> {
    if (this.#catalogue?.epoch !== this.#epoch) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
    return this.#catalogue?.epoch === this.#epoch ? this.#catalogue : undefined;
  }

  /** After a writer's statement, whatever became of it, and before anybody is told that it is done. */
  changedBy(sql: string): void {
    const words: string[] = [];
    const names = new Set<string>();
    for (const token of tokens(sql)) {
      if (token.kind === 'word') words.push(token.text.toUpperCase());
      if (token.kind === 'word' || token.kind === 'quoted') names.add(bareName(token.text));
    }
    const known = this.#catalogue?.epoch === this.#epoch ? this.#catalogue : undefined;
    const touched = [...names].flatMap((name) => known?.plain.get(name) ?? []);
    const changesRows =
      words[0] === 'INSERT' ||
      (words[0] === 'ALTER' && words.includes('REPLACE') && words.includes('PARTITION'));
    if (!changesRows || touched.length === 0 || this.#isChained) this.changed();
    else for (const table of touched) this.#versions.set(table, this.versionOf(table) + 1);
  }

  /** Anything may be different. */
  changed(): void {
    this.#epoch++;
  }

  async #load(): Promise<void> {
    const epoch = this.#epoch;
    this.#unstable ??= new Set([...(await this.engine.administer(UNSTABLE)), 'generaterandom']);
    const plain = new Map<string, string[]>();
    const others = new Set<string>();
    let isChained = false;
    for (const line of await this.engine.administer(TABLES)) {
      const [database, name, engine] = line.split('\t') as [string, string, string];
      if (!engine.endsWith('MergeTree')) {
        others.add(name);
        if (!engine.startsWith('DeltaLake') && engine !== 'View') isChained = true;
      } else plain.set(name, [...(plain.get(name) ?? []), `${database}.${name}`]);
    }
    this.#isChained = isChained;
    this.#catalogue = { epoch, plain, others, unstable: this.#unstable };
  }
}

/** The guard lets no reader's quoted name have a backslash; a writer's with one is no table that is known. */
export function bareName(text: string): string {
  const quote = text[0];
  return quote === '`' || quote === '"' ? text.slice(1, -1).replaceAll(quote + quote, quote) : text;
}

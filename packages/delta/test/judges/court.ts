import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Judge } from './judge.js';

/** All judges, started once for all tests: Spark alone takes longer than most of them. */
export class Court {
  root = '';
  spark!: Judge;
  deltaRs!: Judge;
  clickHouse!: Judge;

  async open(): Promise<void> {
    this.root = await mkdtemp(join(tmpdir(), 'eventlake-judged-'));
    [this.spark, this.deltaRs, this.clickHouse] = await Promise.all([
      Judge.spark(),
      Judge.deltaRs(),
      Judge.clickHouse(this.root),
    ]);
  }

  async close(): Promise<void> {
    await Promise.all([this.spark, this.deltaRs, this.clickHouse].map((judge) => judge?.stop()));
    await rm(this.root, { recursive: true, force: true });
  }
}

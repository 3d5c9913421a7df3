import { readFile } from 'node:fs/promises';
import { EventlakeError } from '../../../errors.js';

/** The certificates of a PEM file, where one is named. @throws EventlakeError `not-found` */
export async function readAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const where = { file, setting: 'spark.caFile' };
    throw new EventlakeError('not-found', `${file} cannot be read`, where, undefined, { cause });
  }
}

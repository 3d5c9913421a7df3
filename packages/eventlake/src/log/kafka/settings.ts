import { readFile } from 'node:fs/promises';
import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import type { SaslSettings } from './protocol/sasl.js';

export type KafkaSettings = Settings['log']['kafka'];

/** @throws EventlakeError `invalid` where a mechanism lacks what it needs. */
export function saslOf(sasl: KafkaSettings['sasl']): SaslSettings | undefined {
  const { mechanism, username, password, token, tokenFile } = sasl;
  if (mechanism === undefined) return undefined;
  if (mechanism === 'OAUTHBEARER') {
    if (tokenFile !== undefined) return { mechanism, token: () => tokenIn(tokenFile) };
    if (token !== undefined) return { mechanism, token: async () => token };
    throw lacking(mechanism, 'log.kafka.sasl.tokenFile or log.kafka.sasl.token');
  }
  if (username === undefined) throw lacking(mechanism, 'log.kafka.sasl.username');
  if (password === undefined) throw lacking(mechanism, 'log.kafka.sasl.password');
  return { mechanism, username, password };
}

/** Read at each connection: whoever renews tokens writes them there. */
async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const where = { file, setting: 'log.kafka.sasl.tokenFile' };
    throw new EventlakeError('not-found', `The token cannot be read from ${file}`, where, undefined, {
      cause,
    });
  }
}

function lacking(mechanism: string, setting: string): EventlakeError {
  return new EventlakeError('invalid', `SASL ${mechanism} needs ${setting}`, { setting });
}

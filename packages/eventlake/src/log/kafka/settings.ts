import { readFile } from 'node:fs/promises';
import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import type { SaslSettings } from './protocol/sasl.js';
import { tokensFrom } from './token-endpoint.js';

export type KafkaSettings = Settings['log']['kafka'];

/** @throws EventlakeError `invalid` where a mechanism lacks what it needs. */
export function saslOf({ sasl, connectTimeoutMs }: KafkaSettings): SaslSettings | undefined {
  const { mechanism, username, password } = sasl;
  if (mechanism === undefined) return undefined;
  if (mechanism === 'OAUTHBEARER')
    return { mechanism, token: tokenOf(sasl, connectTimeoutMs), extensions: extensionsOf(sasl.extensions) };
  if (username === undefined) throw lacking(mechanism, 'log.kafka.sasl.username');
  if (password === undefined) throw lacking(mechanism, 'log.kafka.sasl.password');
  return { mechanism, username, password };
}

function tokenOf(sasl: KafkaSettings['sasl'], timeoutMs: number): () => Promise<string> {
  const { token, tokenFile, tokenEndpoint } = sasl;
  const { url, clientId, clientSecret, scope } = tokenEndpoint;
  if (url !== undefined) {
    if (clientId === undefined) throw lacking('OAUTHBEARER', 'log.kafka.sasl.tokenEndpoint.clientId');
    if (clientSecret === undefined) throw lacking('OAUTHBEARER', 'log.kafka.sasl.tokenEndpoint.clientSecret');
    return tokensFrom({ url, clientId, clientSecret, scope, timeoutMs });
  }
  if (tokenFile !== undefined) return () => tokenIn(tokenFile);
  if (token !== undefined) return async () => token;
  throw lacking(
    'OAUTHBEARER',
    'log.kafka.sasl.tokenEndpoint.url, log.kafka.sasl.tokenFile or log.kafka.sasl.token',
  );
}

/** `name=value,name=value`: KIP-342, which allows letters only in names. */
function extensionsOf(text: string | undefined): readonly (readonly [string, string])[] {
  return (text ?? '')
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [, name, value] = /^\s*([A-Za-z]+)=([\x20-\x7e]+?)\s*$/.exec(pair) ?? [];
      if (name !== undefined && value !== undefined && name !== 'auth') return [name, value] as const;
      const setting = 'log.kafka.sasl.extensions';
      throw new EventlakeError('invalid', `${setting} must be name=value, separated by commas`, { setting });
    });
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

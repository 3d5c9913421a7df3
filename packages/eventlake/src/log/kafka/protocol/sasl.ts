import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { EventlakeError } from '../../../errors.js';
import type { SaslAnswer } from './cluster-apis.js';
import { saslAuthenticate, saslHandshake } from './cluster-apis.js';
import type { Connection } from './connection.js';

export type SaslSettings =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  /** Asked for at every connection, so that it may change. */
  | {
      mechanism: 'OAUTHBEARER';
      token: () => Promise<string>;
      /** Names and values that some services want besides: KIP-342. */
      extensions: readonly (readonly [string, string])[];
    };

/** @returns For how long this holds, in milliseconds; 0: without end. @throws EventlakeError `forbidden`. */
export async function authenticate(connection: Connection, sasl: SaslSettings): Promise<number> {
  const { mechanism } = sasl;
  const { error, mechanisms } = await connection.request(saslHandshake, { mechanism });
  if (error !== 0) {
    throw refused(
      connection,
      `it takes ${mechanisms.join(', ') || 'no SASL mechanism'}, not ${mechanism}`,
      'Set log.kafka.sasl.mechanism to one that the broker takes.',
    );
  }
  const say = async (text: string): Promise<SaslAnswer> => {
    const answer = await connection.request(saslAuthenticate, { bytes: Buffer.from(text) });
    if (answer.error !== 0) throw refused(connection, answer.message || 'authentication failed');
    return answer;
  };
  if (sasl.mechanism === 'OAUTHBEARER') return bearer(connection, sasl, say);
  if (sasl.mechanism === 'PLAIN')
    return (await say(`\0${sasl.username}\0${sasl.password}`)).sessionLifetimeMs;
  const hash = sasl.mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';
  return scram(connection, hash, sasl.username, sasl.password, say);
}

type Say = (text: string) => Promise<SaslAnswer>;

/** RFC 7628. */
async function bearer(
  connection: Connection,
  { token, extensions }: Extract<SaslSettings, { mechanism: 'OAUTHBEARER' }>,
  say: Say,
): Promise<number> {
  const pairs = [['auth', `Bearer ${await token()}`], ...extensions];
  const answer = await say(`n,,\x01${pairs.map((pair) => `${pair.join('=')}\x01`).join('')}\x01`);
  if (answer.bytes.length === 0) return answer.sessionLifetimeMs;
  // Section 3.2.3: what comes instead of success says why, and is answered by one more message.
  await say('\x01');
  throw refused(connection, answer.bytes.toString());
}

/** More would be there to keep us busy: Kafka's default is 4096. */
const ITERATIONS_MAX = 1_000_000;

/** RFC 5802 without channel binding. */
async function scram(
  connection: Connection,
  hash: 'sha256' | 'sha512',
  username: string,
  password: string,
  say: Say,
): Promise<number> {
  const nonce = randomBytes(24).toString('base64');
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  const serverFirst = (await say(`n,,${first}`)).bytes.toString();
  const { r: serverNonce = '', s: salt = '', i = '' } = attributes(serverFirst);
  const iterations = Number(i);
  if (
    !serverNonce.startsWith(nonce) ||
    !Number.isInteger(iterations) ||
    iterations < 4096 ||
    iterations > ITERATIONS_MAX
  ) {
    throw refused(connection, 'its part of the SCRAM exchange is not in order');
  }
  const length = hash === 'sha256' ? 32 : 64;
  const salted = pbkdf2Sync(
    password.normalize('NFKC'),
    Buffer.from(salt, 'base64'),
    iterations,
    length,
    hash,
  );
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const withoutProof = `c=biws,r=${serverNonce}`;
  const message = `${first},${serverFirst},${withoutProof}`;
  const signature = hmac(createHash(hash).update(clientKey).digest(), message);
  const proof = clientKey.map((byte, at) => byte ^ signature[at]!);
  const last = await say(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  const { v = '' } = attributes(last.bytes.toString());
  const expected = hmac(hmac(salted, 'Server Key'), message);
  const given = Buffer.from(v, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw refused(
      connection,
      'it does not know the password itself: this is not the broker that it claims to be',
    );
  }
  return last.sessionLifetimeMs;
}

function attributes(message: string): Partial<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((part) => [part[0], part.slice(2)]));
}

function refused({ address }: Connection, why: string, hint?: string): EventlakeError {
  return new EventlakeError(
    'forbidden',
    `The Kafka broker ${address} refuses the credentials: ${why}`,
    { url: address, setting: 'log.kafka.sasl' },
    hint ?? 'Check log.kafka.sasl.mechanism and its credentials.',
  );
}

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const CLIENT = { clientId: 'shop', clientSecret: 'secret: 100 % ✓' };
export const AUDIENCE = 'kafka';
const KEY_ID = 'one';

/** Who gives tokens, as an identity provider does: signed ones, for client credentials, and the key to check them with. */
export interface Authority {
  url: string;
  tokenUrl: string;
  keysUrl: string;
  /** Tokens that were asked for, with what the request said. */
  readonly asked: URLSearchParams[];
  /** Answers so instead, while it is set. */
  answer: ((response: ServerResponse) => void) | undefined;
  /** Of the next token. */
  lifetimeSeconds: number;
  close(): void;
}

export async function startAuthority(): Promise<Authority> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const authority: Authority = {
    ...{ url, tokenUrl: `${url}/token`, keysUrl: `${url}/keys` },
    ...{ asked: [], answer: undefined, lifetimeSeconds: 3_600 },
    close: () => void server.close(),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/keys') {
      const key = publicKey.export({ format: 'jwk' });
      return void json(200, { keys: [{ ...key, kid: KEY_ID, use: 'sig', alg: 'RS256' }] });
    }
    authority.asked.push(form);
    if (authority.answer) return authority.answer(response);
    if (request.headers.authorization !== BASIC)
      return void json(401, { error: 'invalid_client', error_description: 'nobody we know' });
    const { lifetimeSeconds } = authority;
    const token = signed(privateKey, { iss: url, scope: form.get('scope') ?? '', lifetimeSeconds });
    json(200, { access_token: token, token_type: 'Bearer', expires_in: lifetimeSeconds });
  }
  return authority;
}

const BASIC = `Basic ${Buffer.from(`${encodeURIComponent(CLIENT.clientId)}:${encodeURIComponent(CLIENT.clientSecret)}`).toString('base64')}`;

function signed(
  key: KeyObject,
  { lifetimeSeconds, ...claims }: { iss: string; scope: string; lifetimeSeconds: number },
): string {
  const iat = Math.floor(Date.now() / 1_000);
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const what = { ...claims, sub: CLIENT.clientId, aud: AUDIENCE, iat, exp: iat + lifetimeSeconds };
  const body = `${part({ alg: 'RS256', typ: 'JWT', kid: KEY_ID })}.${part(what)}`;
  return `${body}.${sign('sha256', Buffer.from(body), key).toString('base64url')}`;
}

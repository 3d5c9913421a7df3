import { EventlakeError } from '../../errors.js';

export interface TokenEndpoint {
  url: string;
  clientId: string;
  clientSecret: string;
  scope: string | undefined;
  timeoutMs: number;
}

const SETTING = 'log.kafka.sasl.tokenEndpoint';
const ANSWER_BYTES_MAX = 1024 * 1024;
/** RFC 6749 leaves open how long a token holds where its answer does not say so. */
const LIFETIME_SECONDS_DEFAULT = 300;

/**
 * Tokens by OAuth 2.0 client credentials (RFC 6749, 4.4), as KIP-768 has them. One is used until four fifths of its time
 * are over; of those that want a new one at the same time one asks.
 * @throws EventlakeError `invalid` for an address to which a secret must not go.
 */
export function tokensFrom(endpoint: TokenEndpoint): () => Promise<string> {
  checkUrl(endpoint.url);
  let asked: Promise<{ token: string; untilMs: number }> | undefined;
  return async () => {
    for (;;) {
      const current = asked;
      const known = await current?.catch(() => undefined);
      if (known && performance.now() < known.untilMs) return known.token;
      if (asked === current) {
        asked = ask(endpoint);
        return (await asked).token;
      }
    }
  };
}

async function ask({ url, clientId, clientSecret, scope, timeoutMs }: TokenEndpoint) {
  const startedMs = performance.now();
  // Section 2.3.1: each part is encoded as in a form before they are put together.
  const credentials = [clientId, clientSecret].map((part) => encodeURIComponent(part)).join(':');
  const response = await fetch(url, {
    method: 'POST',
    // Whoever answers there must not send the secret on to somebody else.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      accept: 'application/json',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }),
  }).catch((cause) => {
    throw unanswered(url, cause instanceof Error ? cause.message : String(cause), cause);
  });
  const answer = await jsonOf(response, url);
  if (response.status >= 500 || response.status === 429) throw unanswered(url, `status ${response.status}`);
  if (!response.ok || typeof answer.access_token !== 'string') {
    const why = [answer.error, answer.error_description].filter((text) => typeof text === 'string');
    throw new EventlakeError(
      'forbidden',
      `${url} gives no token: ${why.join(', ').slice(0, 500) || `status ${response.status}`}`,
      { url, setting: SETTING },
      `Check ${SETTING}.clientId, .clientSecret and .scope.`,
    );
  }
  const seconds = Number(answer.expires_in);
  const lifetimeMs = 1_000 * (seconds > 0 ? seconds : LIFETIME_SECONDS_DEFAULT);
  return { token: answer.access_token, untilMs: startedMs + 0.8 * lifetimeMs };
}

/** What is no object has no token in it; an answer is never longer than `ANSWER_BYTES_MAX`. */
async function jsonOf(response: Response, url: string): Promise<Record<string, unknown>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) break;
      parts.push(part);
    }
  } catch (cause) {
    throw unanswered(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    const answer: unknown = JSON.parse(Buffer.concat(parts).toString());
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A secret goes over an encrypted connection, or does not leave this machine. */
function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return;
  throw new EventlakeError(
    'invalid',
    `${JSON.stringify(text)} is no address that a secret may be sent to`,
    { setting: `${SETTING}.url` },
    'Write https://…; http:// is for this machine only.',
  );
}

function unanswered(url: string, why: string, cause?: unknown): EventlakeError {
  return new EventlakeError(
    'unavailable',
    `The token endpoint ${url} cannot be asked: ${why}`,
    { url, setting: SETTING },
    undefined,
    { cause },
  );
}

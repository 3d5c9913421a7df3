import { EventlakeError } from '../../../errors.js';

/** What a Spark Connect address says: `sc://host:port/;token=…;use_ssl=true;x-header=…`. */
export interface Address {
  /** Without secrets, for messages. */
  shown: string;
  host: string;
  port: number;
  tls: boolean;
  userId: string;
  token: string | undefined;
  /** Whatever else it names: managed services want headers of their own. */
  headers: Record<string, string>;
}

const DEFAULT_PORT = 15002;
/** A session and an agent may be named, too; ours are made anew, so that no two jobs share a session. */
const KNOWN = new Set(['token', 'useSsl', 'userId', 'sessionId', 'userAgent']);

/**
 * Reads Spark's notation for an address (`client-connection-string.md`). A token is only sent encrypted, but to this machine.
 * @throws EventlakeError `invalid`
 */
export function parseAddress(url: string, token?: string): Address {
  const match = /^sc:\/\/(\[[^\]]+\]|[^/:;]+)(?::(\d+))?\/?(?:;(.*))?$/.exec(url);
  if (!match) {
    throw new EventlakeError(
      'invalid',
      'spark.url is no address of a Spark Connect server',
      { setting: 'spark.url' },
      'It is like sc://host:15002, or sc://host:443/;use_ssl=true.',
    );
  }
  const [, host, port, parameters = ''] = match;
  const given = new Map(
    parameters
      .split(';')
      .filter(Boolean)
      .map((parameter) => {
        const at = parameter.indexOf('=');
        return [knownName(parameter.slice(0, at)), decodeURIComponent(parameter.slice(at + 1))] as const;
      }),
  );
  const bearer = token ?? given.get('token');
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  return {
    shown: `sc://${host}:${number}`,
    host: host!,
    port: number,
    tls: given.has('useSsl') ? given.get('useSsl') === 'true' : bearer !== undefined && !isThisMachine(host!),
    userId: given.get('userId') ?? 'eventlake',
    token: bearer,
    headers: Object.fromEntries([...given].filter(([name]) => !KNOWN.has(name))),
  };
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** Spark's parameters by our spelling; all others as they are. */
function knownName(name: string): string {
  const spelled = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return KNOWN.has(spelled) ? spelled : name;
}

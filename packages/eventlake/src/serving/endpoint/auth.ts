import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { exceptions } from './errors.js';

/** Readers look; the writer, whose secret lies in the data folder, is the jobs. */
export type Role = 'reader' | 'writer';

export interface Users {
  /** Names that may read; without a password unless there is one. */
  readers: readonly string[];
  readerPassword?: string;
  writer: string;
  writerPassword: string;
}

interface Credentials {
  user: string;
  password: string;
}

/** @throws ClickHouseException 401 without a needed password, 403 with a wrong one. */
export function authenticate(users: Users, headers: IncomingHttpHeaders, query: URLSearchParams): Role {
  const { user, password } = credentials(headers, query);
  if (user === users.writer) {
    if (same(password, users.writerPassword)) return 'writer';
    throw password === '' ? exceptions.requiredPassword() : exceptions.authenticationFailed(user);
  }
  if (!users.readers.includes(user)) throw exceptions.authenticationFailed(user.slice(0, 100));
  if (users.readerPassword === undefined || same(password, users.readerPassword)) return 'reader';
  throw password === '' ? exceptions.requiredPassword() : exceptions.authenticationFailed(user);
}

/** In ClickHouse's order: its own headers, basic authentication, the URL. */
function credentials(headers: IncomingHttpHeaders, query: URLSearchParams): Credentials {
  const user = headers['x-clickhouse-user'];
  const key = headers['x-clickhouse-key'];
  if (user !== undefined || key !== undefined)
    return { user: String(user ?? 'default'), password: String(key ?? '') };
  const basic = /^basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  if (basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    return { user: name === '' ? 'default' : name, password: colon < 0 ? '' : text.slice(colon + 1) };
  }
  return { user: query.get('user') || 'default', password: query.get('password') ?? '' };
}

function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

import type { IncomingMessage } from 'node:http';
import { exceptions } from './errors.js';

/** What a request asks for, apart from its body. */
export interface QueryRequest {
  /** The `query` of the URL. */
  query: string;
  database?: string;
  /** FORMAT clause comes first, then the X-ClickHouse-Format header, then this. */
  defaultFormat: string;
  queryId?: string;
  sessionId?: string;
  sessionTimeoutSeconds: number;
  sessionCheck: boolean;
  /** Everything in the URL that is not ours is a setting. */
  settings: ReadonlyMap<string, string>;
  /** `param_x=1` → `x` → `1`, as ClickHouse's escaped text. */
  parameters: ReadonlyMap<string, string>;
  /** For the response, by the engine's COMPRESSION clause. */
  encoding?: 'gzip' | 'deflate' | 'br' | 'zstd' | 'lz4';
  /** The response in ClickHouse's own compressed blocks. */
  compress: boolean;
  /** The request is in ClickHouse's own compressed blocks. */
  decompress: boolean;
  /** The whole result is computed before the first byte is sent. */
  waitEndOfQuery: boolean;
  /** A GET must not change anything. */
  readOnly: boolean;
  clientProtocolVersion?: number;
}

/** Of the HTTP interface itself, or of no use here: never passed on as settings. */
const NOT_SETTINGS = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'user',
  'password',
  'quota_key',
  'compress',
  'decompress',
  'wait_end_of_query',
  'buffer_size',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'add_http_cors_header',
  'client_protocol_version',
  'http_response_buffer_size',
  'cancel_http_readonly_queries_on_client_close',
  'http_write_exception_in_output_format',
  'stacktrace',
  'role',
  'output_format_native_encode_types_in_binary_format',
]);

/** @throws ClickHouseException for parameters that make no sense. */
export function readRequest(message: IncomingMessage, query: URLSearchParams): QueryRequest {
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of query) {
    if (name.startsWith('param_')) parameters.set(identifier(name.slice(6)), value);
    else if (!NOT_SETTINGS.has(name)) settings.set(identifier(name), value);
  }
  const header = (name: string) => {
    const value = message.headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    query: query.get('query') ?? '',
    database: query.get('database') || header('x-clickhouse-database'),
    defaultFormat: header('x-clickhouse-format') ?? (query.get('default_format') || 'TabSeparated'),
    queryId: query.get('query_id') || undefined,
    sessionId: query.get('session_id') || undefined,
    sessionTimeoutSeconds: Math.min(Number(query.get('session_timeout') ?? 60) || 60, 3600),
    sessionCheck: query.get('session_check') === '1',
    settings,
    parameters,
    // Blocks of its own are compression enough; a client that asks for them often accepts gzip as well.
    encoding:
      flag(query, 'enable_http_compression', true) && !flag(query, 'compress')
        ? encodingOf(header('accept-encoding'))
        : undefined,
    compress: flag(query, 'compress'),
    decompress: flag(query, 'decompress'),
    waitEndOfQuery: flag(query, 'wait_end_of_query'),
    readOnly: message.method !== 'POST',
    clientProtocolVersion: Number(query.get('client_protocol_version')) || undefined,
  };
}

/** The cheapest that the client takes. */
function encodingOf(accepted = ''): QueryRequest['encoding'] {
  const names = accepted
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(?:\.0*)?\s*$/.test(part))
    .map((part) => part.trim().split(';')[0]);
  return (['lz4', 'zstd', 'gzip', 'deflate', 'br'] as const).find((name) => names.includes(name));
}

function flag(query: URLSearchParams, name: string, otherwise = false): boolean {
  const value = query.get(name);
  return value === null ? otherwise : ['1', 'true'].includes(value.toLowerCase());
}

function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.]{0,199}$/.test(name))
    throw exceptions.badParameter('A parameter has no valid name');
  return name;
}

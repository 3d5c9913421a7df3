/** The first question of clickhouse-go, which Grafana's plugin uses. */
const HELLO = /^\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*$/i;

/**
 * The answer to clickhouse-go's first question, encoded as its `client_protocol_version` asks for, which chdb does not
 * know: a Native block with BlockInfo and a byte before each column that says that there is no special serialization. It
 * says revision 0, after which the client reads plain Native, and that is what chdb writes.
 */
export function helloAnswer(
  query: string,
  clientProtocolVersion: number | undefined,
  server: { displayName: string; version: string; timezone: string },
): Buffer | undefined {
  if (clientProtocolVersion === undefined || !HELLO.test(query)) return undefined;
  // Field 1: no overflow rows. Field 2: bucket -1. Field 0: the end.
  const blockInfo = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
  const columns: [name: string, type: string, value: Buffer][] = [
    ['displayName()', 'String', text(server.displayName)],
    ['version()', 'String', text(server.version)],
    ['revision()', 'UInt32', Buffer.alloc(4)],
    ['timezone()', 'String', text(server.timezone)],
  ];
  const parts = columns.flatMap(([name, type, value]) => [text(name), text(type), Buffer.from([0]), value]);
  return Buffer.concat([blockInfo, Buffer.from([columns.length, 1]), ...parts]);
}

/** Shorter than 128 bytes, so that the length is one byte. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value).subarray(0, 127);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';

/** What stands before a Spark server where the way to it is encrypted: a load balancer with a certificate for `localhost`. */
export interface TlsProxy {
  port: number;
  /** PEM of the authority that signed its certificate, and of one that did not. */
  caFile: string;
  otherCaFile: string;
  close(): void;
}

export async function tlsProxy(url: string): Promise<TlsProxy> {
  const target = new URL(url.replace('sc:', 'http:'));
  const dir = mkdtempSync(join(tmpdir(), 'eventlake-spark-tls-'));
  makeCertificates(dir);
  const file = (name: string) => readFileSync(join(dir, name));
  const open = new Set<TLSSocket>();
  const secure = { key: file('server.key'), cert: file('server.crt'), ALPNProtocols: ['h2'] };
  const server = createServer(secure, (client) => {
    const upstream = connect(Number(target.port), target.hostname);
    open.add(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => open.delete(client));
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    caFile: join(dir, 'ca.crt'),
    otherCaFile: join(dir, 'other.crt'),
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
      rmSync(dir, { recursive: true });
    },
  };
}

function makeCertificates(dir: string): void {
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: dir, stdio: 'pipe' });
  for (const name of ['ca', 'other']) {
    openssl(
      `req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ${name}.key -out ${name}.crt -subj /CN=authority-${name}`,
    );
  }
  writeFileSync(join(dir, 'names'), 'subjectAltName=DNS:localhost');
  openssl('req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server');
  openssl(
    'x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt',
  );
}

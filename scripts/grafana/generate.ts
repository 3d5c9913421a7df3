/** `npm run dashboards`: writes Grafana's dashboards and alert rules anew from the pipeline's declaration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import userEvents from '@eventlake/user-events';
import { grafanaFiles } from './files.js';

const target = fileURLToPath(new URL('../../deploy/grafana/', import.meta.url));
for (const [name, text] of grafanaFiles(userEvents)) {
  mkdirSync(dirname(join(target, name)), { recursive: true });
  writeFileSync(join(target, name), text);
  process.stdout.write(`deploy/grafana/${name}\n`);
}

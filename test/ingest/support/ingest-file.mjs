// Ingests a file as a process of its own: node ingest-file.mjs <log> <file>
import { ingest } from '../../../packages/eventlake/dist/ingest/ingest.js';
import { openEmbeddedLog } from '../../../packages/eventlake/dist/log/embedded-log.js';

const [dir, file] = process.argv.slice(2);
const log = await openEmbeddedLog({ dir });
process.stdout.write('begun\n');
await ingest([file], { log, topic: 'events', keyField: 'event_type' });
await log.close();

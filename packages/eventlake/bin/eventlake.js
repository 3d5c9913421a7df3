#!/usr/bin/env node
// Small and committed, because npm links a workspace's command only if its file exists while it installs.
// The thread pool bounds how many ClickHouse queries run at once, and is sized before its first use. Reading an ES
// module is such a use, which is why this is none.
process.env.UV_THREADPOOL_SIZE ??= '16';
import('../dist/cli/main.js').then(({ main }) => main(process.argv));

#!/usr/bin/env node
// Small and committed, because npm links a workspace's command only if its file exists while it installs.
// The thread pool bounds how many ClickHouse sessions run at once, and is sized before its first use.
process.env.UV_THREADPOOL_SIZE ??= '16';
const { main } = await import('../dist/cli/main.js');
await main(process.argv);

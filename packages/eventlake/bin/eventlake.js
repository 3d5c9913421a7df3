#!/usr/bin/env node
// Small and committed, because npm links a workspace's command only if its file exists while it installs.
// The thread pool bounds how many ClickHouse queries run at once, and is sized before its first use. Reading an ES
// module is such a use, which is why this is none.
process.env.UV_THREADPOOL_SIZE ??= '16';
// On Node 20 the S3 client announces, in each process, which Node its later versions will need: nothing that a user of
// this command can act on. Its makers name this variable for that.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
import('../dist/cli/main.js').then(({ main }) => main(process.argv));

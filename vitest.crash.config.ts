import { defineConfig } from 'vitest/config';

// As the command has it: it bounds how many queries the endpoint runs at once.
process.env.UV_THREADPOOL_SIZE ??= '16';

export default defineConfig({
  resolve: { conditions: ['eventlake-source'] },
  ssr: { resolve: { conditions: ['eventlake-source'] } },
  test: {
    include: ['test/**/*.crash.test.ts', 'packages/*/test/**/*.crash.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

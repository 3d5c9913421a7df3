import { defineConfig } from 'vitest/config';

// As the command has it: it bounds how many queries the endpoint runs at once.
process.env.UV_THREADPOOL_SIZE ??= '16';

export default defineConfig({
  resolve: { conditions: ['eventlake-source'] },
  ssr: { resolve: { conditions: ['eventlake-source'] } },
  test: {
    include: ['test/**/*.interop.test.ts', 'packages/*/test/**/*.interop.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    // Whoever comes first builds another project's program or installs an engine, from nothing on a new machine.
    hookTimeout: 1_500_000,
  },
});

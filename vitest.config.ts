import { defineConfig } from 'vitest/config';

// As the command has it: it bounds how many queries the endpoint runs at once.
process.env.UV_THREADPOOL_SIZE ??= '16';

export default defineConfig({
  // Tests read the sources; the processes that they start read what `npm run build` made of them.
  resolve: { conditions: ['eventlake-source'] },
  ssr: { resolve: { conditions: ['eventlake-source'] } },
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'pipelines/*/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.interop.test.ts', '**/*.crash.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

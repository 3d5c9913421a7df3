import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['eventlake-source'] },
  ssr: { resolve: { conditions: ['eventlake-source'] } },
  test: {
    include: ['test/**/*.interop.test.ts', 'packages/*/test/**/*.interop.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

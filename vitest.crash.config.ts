import { defineConfig } from 'vitest/config';

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

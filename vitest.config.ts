import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // The Temporal SDK's native part does not survive worker threads.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['tests/services/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    // Tests speak to the session's own servers, never to ones that the shell happens to name.
    env: { TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '', DATABASE_URL: '', SPARRING_HOME: '' },
  },
})

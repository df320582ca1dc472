/** Cleans up after test processes that were killed; scripts/test.mjs runs it after a test run that did not end well. */
import { sweepTestHomes } from './test-home.ts'

void sweepTestHomes().then((homes) => {
  for (const home of homes) console.log(`tests: cleaned up ${home}`)
})

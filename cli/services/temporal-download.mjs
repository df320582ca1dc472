// Lets the Temporal SDK download the server into a folder, and stops the server that it starts for it. Run by temporal-binary.ts
// in a process of its own. (Plain JavaScript: it runs without tsx.)
import { TestWorkflowEnvironment } from '@temporalio/testing'

const [downloadDir] = process.argv.slice(2)
try {
  const server = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir } },
  })
  await server.teardown()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

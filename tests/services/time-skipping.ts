/**
 * The Temporal server that skips time, for tests of timers and retries. It is a Java program: fetched once with Maven into the
 * cache, run through a two-line wrapper that the SDK takes for the binary.
 */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { acquireLock } from '../../cli/services/lock.ts'
import { cacheFolder, onPath } from '../../cli/services/temporal-binary.ts'

const version = '1.35.0'

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sparring</groupId><artifactId>time-skipping-server</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.16</version></dependency>
  </dependencies>
</project>
`

const wrapper = `#!/bin/sh
exec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`

/** The path of the wrapper; null, with the reason said, where it cannot be had. */
export async function timeSkippingServer(say: (message: string) => void): Promise<string | null> {
  const skip = (why: string): null => {
    say(`time-skipping tests are skipped: ${why}`)
    return null
  }
  if (onPath('java', process.env) === null) return skip('no Java on PATH')
  const folder = path.join(cacheFolder(), `time-skipping-${version}`)
  const program = path.join(folder, 'temporal-test-server')
  if (fs.existsSync(program)) return program
  if (onPath('mvn', process.env) === null) return skip('no Maven on PATH to fetch the test server')

  const lock = await acquireLock(`${folder}.lock`, 'fetching the time-skipping server', { waitMs: 5 * 60_000 })
  const draft = `${folder}.${randomUUID()}`
  try {
    if (fs.existsSync(program)) return program
    say('fetching the time-skipping server (37 MB, once) …')
    fs.mkdirSync(draft)
    fs.writeFileSync(path.join(draft, 'pom.xml'), pom)
    const args = ['-B', '-q', 'dependency:copy-dependencies', `-DoutputDirectory=${path.join(draft, 'lib')}`]
    const fetched = spawnSync('mvn', args, { cwd: draft, encoding: 'utf8', timeout: 5 * 60_000 })
    const problem = fetched.status === 0 ? null : (fetched.error?.message ?? fetched.stdout.split('\n')[0])
    if (problem !== null) return skip(`Maven could not fetch the test server: ${problem}`)
    fs.writeFileSync(path.join(draft, 'temporal-test-server'), wrapper, { mode: 0o755 })
    fs.renameSync(draft, folder)
    return program
  } finally {
    fs.rmSync(draft, { recursive: true, force: true })
    lock.release()
  }
}

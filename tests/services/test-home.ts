/** Homes for tests: temporary folders that are emptied of servers and removed, also after a test run that was killed. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { takeDown } from '../../cli/services/index.ts'
import { readHolder } from '../../cli/services/lock.ts'
import { hasCode, isAlive, ownHandle } from '../../cli/services/processes.ts'

const prefix = 'sparring-test-'
const ownerFile = 'owner.json'

/** A new home that belongs to this process. */
export function makeTestHome(): string {
  const home = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), prefix))
  const owner = { id: randomUUID(), ...ownHandle(), what: 'tests', since: new Date().toISOString() }
  fs.writeFileSync(path.join(home, ownerFile), JSON.stringify(owner))
  return home
}

/** Stops whatever runs for the home, and removes it. */
export async function removeTestHome(home: string): Promise<void> {
  await takeDown({ home })
  fs.rmSync(home, { recursive: true, force: true })
}

/** Cleans up after test runs that were killed: homes whose owner is dead. */
export async function sweepTestHomes(): Promise<string[]> {
  const folder = fs.realpathSync(os.tmpdir())
  const swept: string[] = []
  for (const name of fs.readdirSync(folder).filter((entry) => entry.startsWith(prefix))) {
    const home = path.join(folder, name)
    try {
      if (fs.statSync(home).uid !== process.getuid?.()) continue
      const owner = readHolder(path.join(home, ownerFile))
      if (owner === null || isAlive(owner)) continue
      await removeTestHome(home)
      swept.push(home)
    } catch (error) {
      if (!hasCode(error, 'EACCES', 'EPERM', 'ENOENT')) throw error // another user's, or swept by another run meanwhile
    }
  }
  return swept
}

/** An environment in which Sparring starts its own servers, on ports of the system's choosing. */
export function embeddedEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '', DATABASE_URL: '', ...extra }
}

/** A process that brings the services up and waits to be killed: `child.ts <home>`. Says READY with the addresses. */
import { bringUp } from '../../cli/services/index.ts'

const [, , home] = process.argv
if (home === undefined) throw new Error('usage: child.ts <home>')
void bringUp({ home, what: 'the killed command' }).then((services) => {
  console.log(`READY ${JSON.stringify({ temporal: services.temporalPid, postgres: services.postgresPid })}`)
  setInterval(() => undefined, 60_000)
})

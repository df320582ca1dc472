import type { Command } from 'commander'
import { UserError } from '../../shared/errors.ts'
import { readValue } from '../run-file.ts'
import { findRun, withSession, type Session } from '../session.ts'
import { say, sayJson } from '../terminal.ts'

interface Options {
  json?: boolean
}

/** How long a run that is under way may take to answer; longer means that no worker is there to do it. */
const patienceMs = 20_000

/** pause, resume, stop and set: each is a Temporal update, checked by the run itself, and answered. */
export function addControl(program: Command): void {
  const steer = [
    ['pause', 'let the shards under way finish, and start no others', (client, run) => client.pause(run)],
    ['resume', 'go on after a pause', (client, run) => client.resume(run)],
  ] as const satisfies readonly (readonly [
    string,
    string,
    (client: Session['client'], run: string) => Promise<string>,
  ])[]
  for (const [name, description, ask] of steer) {
    program
      .command(name)
      .description(description)
      .argument('<run>')
      .option('--json', 'answer as JSON')
      .addHelpText('after', `\nExamples:\n  sparring ${name} spc`)
      .action((run: string, { json = false }: Options) =>
        tell(`sparring ${name}`, run, json, ({ client }) => ask(client, run)),
      )
  }

  program
    .command('stop')
    .description('end the run after the round under way')
    .argument('<run>')
    .option('--now', 'give up the steps under way; finished ones stay, and `sparring start` goes on behind them')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExamples:\n  sparring stop spc\n  sparring stop spc --now')
    .action((run: string, { json = false, now = false }: Options & { now?: boolean }) =>
      tell('sparring stop', run, json, ({ client }) => (now ? client.cancel(run) : client.stop(run))),
    )

  program
    .command('set')
    .description('change a setting of a run that is under way, from the next round on')
    .argument('<run>')
    .argument('<field>', 'a steerable field, e.g. update.critic.learningRate')
    .argument('<value>')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nA field that cannot be changed is answered with those that can.\n\nExamples:\n  sparring set spc update.critic.learningRate 3e-4\n  sparring set spc rounds 5',
    )
    .action((run: string, field: string, text: string, { json = false }: Options) => {
      const value = readValue(text, field)
      if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') {
        throw new UserError(`${field}: ${text} is no single value`, 'give a number, a word, true or false')
      }
      return tell('sparring set', run, json, ({ client }) => client.set(run, { field, value }))
    })
}

async function tell(
  what: string,
  run: string,
  json: boolean,
  ask: (session: Session) => Promise<string>,
): Promise<void> {
  await withSession(what, async (session) => {
    // A run just launched is known to Temporal before its first step registers it.
    const open = (await session.client.execution(run)) === 'RUNNING'
    if (!open) await findRun(session, run)
    // A server that we had to start ourselves has no worker, so nobody would answer.
    if (open && session.services.startedHere.temporal) {
      throw new UserError(
        `run ${run} is not being played: no worker runs`,
        `\`sparring start ${run}\` goes on with it; then ask again`,
      )
    }
    const answer = await Promise.race([ask(session), tooLate(run)])
    if (json) sayJson({ run, answer })
    else say(answer)
  })
}

function tooLate(run: string): Promise<never> {
  return new Promise((_, reject) => {
    const late = new UserError(
      `run ${run} did not answer within ${patienceMs / 1000} seconds: is a worker running?`,
      `\`sparring start ${run}\` or \`sparring worker\` starts one; \`sparring status ${run}\` shows whether it took effect`,
    )
    setTimeout(() => reject(late), patienceMs).unref()
  })
}

import type { Command } from 'commander'
import { stringify } from 'yaml'
import { checkRunName, planRound } from '../../client.ts'
import { range } from '../../shared/collections.ts'
import { launchDetached } from '../detached.ts'
import { playInForeground } from '../foreground.ts'
import { readBranch, readRunFile, type RunFile } from '../run-file.ts'
import { estimate } from '../estimate.ts'
import { clock, say, sayJson, style, table, type Column } from '../terminal.ts'

interface Options {
  name?: string
  set: string[]
  from?: string
  device?: string
  dryRun?: boolean
  detach?: boolean
  json?: boolean
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('play a run from a YAML file')
    .argument('<yaml>', 'the run file; examples/ holds some')
    .option('--name <name>', "the run's name (default: the file's own)")
    .option('--set <field=value>', 'set a field, e.g. play.problems=100; may be repeated', collect, [])
    .option('--device <name>', 'compute on cpu, webgpu, cuda or cuda:1 …: the same as --set device=<name>')
    .option('--from <run[@round]>', 'begin behind that finished round (round 0 unless named) of another run')
    .option('--dry-run', 'show the whole configuration and the plan, and start nothing')
    .option('--detach', 'play in the background and return at once')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
A run of the same name and configuration is gone on with; another configuration needs another --name.
With --from the rounds of the other run are copied, so both must agree in everything that made them: two runs that differ
in how they play and learn need to be trained from nothing only once.

Examples:
  sparring run examples/spc-smoke.yaml
  sparring run examples/spc.yaml --name quick --set rounds=1 --set play.problems=200
  sparring run examples/spc.yaml --set update.loss=official-code --name official --detach
  sparring run examples/spc.yaml --from spc@0 --name frozen --set play.generator=frozen
  sparring run examples/spc.yaml --dry-run`,
    )
    .action(async (yaml: string, options: Options) => {
      const { set, from, device, dryRun = false, detach = false, json = false } = options
      const file: RunFile = {
        ...readRunFile(yaml, device === undefined ? set : [...set, `device=${device}`]),
        ...(from === undefined ? {} : { branch: readBranch(from) }),
      }
      const name = options.name ?? file.name
      checkRunName(name)
      if (dryRun) return sayPlan(name, file, json)
      if (detach) return launchDetached({ name, file, json })
      process.exitCode = await playInForeground({ what: `sparring run ${yaml}`, name, file, json })
    })
}

const collect = (value: string, before: string[]): string[] => [...before, value]

async function sayPlan(name: string, { config }: RunFile, json: boolean): Promise<void> {
  const plans = await Promise.all(range(0, config.rounds + 1).map((round) => planRound(config, round)))
  const seconds = estimate({ planned: plans, costs: [], updates: [], underWay: [], finished: 0, model: config.model })
  if (json) {
    const plan = plans.map((phases, round) => ({
      round,
      phases: phases.map(({ name: phase, stage, shards, update }) => ({
        phase,
        stage,
        shards,
        ...(update?.steps ? { steps: update.steps } : {}),
      })),
    }))
    return sayJson({ run: name, config, estimated_seconds: seconds, plan })
  }
  say(stringify(config).trimEnd())
  say()
  say(`${style('bold', `The plan of run ${name}`)} (nothing is started):`)
  const rows = plans.flatMap((phases, round) =>
    phases.map(({ name: phase, stage, shards, update }, index) => [
      index === 0 ? String(round) : '',
      phases[index - 1]?.stage === stage ? '' : String(stage + 1),
      phase,
      String(shards),
      update?.steps ? String(update.steps) : '',
    ]),
  )
  const columns: Column[] = [
    { title: 'round', align: 'right' },
    { title: 'stage', align: 'right' },
    { title: 'phase' },
    { title: 'shards', align: 'right' },
    { title: 'steps', align: 'right' },
  ]
  for (const line of table(columns, rows)) say(line)
  if (seconds !== null)
    say(`\nAbout ${clock(seconds)} here, by a guess for slow cores; a run that is under way measures its own speed.`)
}

import type { RoundProgress, RunStatus } from '../shared/contract.ts'

/** What a person reads in the Temporal UI under "Current details" (Markdown). */
export function runDetails(status: Omit<RunStatus, 'recipe'>): string {
  const scores = status.scores.map((score, round) => `| ${round} | ${score === null ? '–' : score.toFixed(3)} |`)
  return [
    `**${status.run}** is **${status.state}**: round ${status.round} of ${status.rounds}`,
    ...(scores.length > 0 ? ['', '| round | score |', '|---|---|', ...scores] : []),
  ].join('\n')
}

export function roundDetails(progress: RoundProgress, paused: boolean): string {
  const rows = progress.phases.map(({ name, done, shards }) => `| ${name} | ${done} of ${shards} |`)
  return [
    `Round ${progress.round}${paused ? ' (paused)' : ''}`,
    '',
    '| phase | shards done |',
    '|---|---|',
    ...rows,
  ].join('\n')
}

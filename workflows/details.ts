import type { RoundProgress, RunStatus } from '../shared/contract.ts'

/*
 * What a person reads in the Temporal UI under "Current details" (Markdown). Its frame shows about five lines and cuts off
 * the rest, so these are running text and no tables.
 */

export function runDetails(status: Omit<RunStatus, 'recipe'>): string {
  const scores = status.scores.map((score, round) => `round ${round}: ${score === null ? '–' : score.toFixed(3)}`)
  return [
    `**${status.run}** is **${status.state}**: round ${status.round} of ${status.rounds}`,
    ...(scores.length > 0 ? ['', `Scores, newest first: ${scores.toReversed().join(' · ')}`] : []),
  ].join('\n')
}

export function roundDetails(progress: RoundProgress, paused: boolean): string {
  const phases = progress.phases.map(({ name, done, shards }) =>
    done === shards ? `${name} ✓` : `**${name} ${done} of ${shards}**`,
  )
  return [`Round ${progress.round}${paused ? ' (paused)' : ''}, shards done:`, '', phases.join(' · ')].join('\n')
}

import { share } from '../../../report/estimates.ts'
import type { ItemCount, Section } from '../../../report/data.ts'
import { percent, plural, whole } from '../../../report/format.ts'
import { html, type Html } from '../../../report/html.ts'
import { Cell, estimate, table } from '../../../report/tables.ts'
import type { SpcConfig } from '../config.ts'
import type { RoundDigest } from './digest.ts'
import type { RuleCheck } from '../rule.ts'

/** How good the rollout rule is at telling wrong steps from harmless ones: the label noise of the paper's method. */
export function validitySection(
  config: SpcConfig,
  digests: readonly RoundDigest[],
  items: readonly ItemCount[],
): Section {
  const rule = digests.map(({ rule: counts }) => counts).reduce(add, none)
  const rows = [
    ...digests.map(({ round, rule: counts }) => ({ name: `round ${round}`, counts })),
    ...(digests.length > 1 ? [{ name: 'all rounds', counts: rule }] : []),
  ]
  const reasons = [...new Set(digests.flatMap((row) => Object.keys(row.reasons)))].toSorted()
  return {
    id: 'validity',
    title: 'Which games count',
    body: html`<p>
        ${
          config.play.validity === 'rollout'
            ? 'In this run the rollout rule decides which sneaky steps count'
            : 'In this run the exact checker decides which sneaky steps count; the rollout rule is measured beside it'
        }:
        the solver must succeed in at least 75 % of ${config.play.rollouts} completions from the right step and in none
        from the sneaky step. The exact checker knows the truth, so the rule's mistakes can be counted. ${inWords(rule)}
      </p>
      ${table({
        caption: 'The rollout rule against the exact checker',
        head: ['', 'both: valid', 'rule alone', 'checker alone', 'neither', 'precision', 'recall'],
        rows: rows.map(({ name, counts }) => [
          name,
          whole(counts.both),
          whole(counts.ruleOnly),
          whole(counts.oracleOnly),
          whole(counts.neither),
          estimate(precisionOf(counts)),
          estimate(recallOf(counts)),
        ]),
      })}
      ${table({
        caption: 'Why games were invalid',
        head: ['reason', ...digests.map(({ round }) => `round ${round}`)],
        rows: reasons.map((reason) => [reason, ...digests.map((row) => whole(row.reasons[reason] ?? 0))]),
      })}
      ${difficultyTable(items)}`,
  }
}

export const precisionOf = ({ both, ruleOnly }: RuleCheck) => share(both, both + ruleOnly)
export const recallOf = ({ both, oracleOnly }: RuleCheck) => share(both, both + oracleOnly)

const none: RuleCheck = { both: 0, ruleOnly: 0, oracleOnly: 0, neither: 0, missedByRight: 0, missedBySneaky: 0 }

function add(left: RuleCheck, right: RuleCheck): RuleCheck {
  return {
    both: left.both + right.both,
    ruleOnly: left.ruleOnly + right.ruleOnly,
    oracleOnly: left.oracleOnly + right.oracleOnly,
    neither: left.neither + right.neither,
    missedByRight: left.missedByRight + right.missedByRight,
    missedBySneaky: left.missedBySneaky + right.missedBySneaky,
  }
}

function inWords(rule: RuleCheck): Html {
  const precision = precisionOf(rule)
  const recall = recallOf(rule)
  if (!precision || !recall) return html`No game has been decided yet.`
  return html`Of the steps that the rule lets through, ${percent(precision.value)} are wrong indeed (precision); of the
  wrong steps, it lets ${percent(recall.value)} through (recall). It misses ${plural(rule.oracleOnly, 'wrong step')}:
  ${whole(rule.missedByRight)} because the solver fails from the right step too, ${whole(rule.missedBySneaky)} because
  it gets home from the wrong one.`
}

const difficulties = ['easy', 'medium', 'never'] as const

/** `fields` of the counts: label, difficulty, kept. */
function difficultyTable(items: readonly ItemCount[]): Html {
  const problems = items.filter(({ set }) => set === 'problems')
  const rounds = [...new Set(problems.map(({ round }) => round))]
  const sum = (rows: readonly ItemCount[]): number => rows.reduce((all, { count }) => all + count, 0)
  return table({
    caption: "The problems, by the solver's first tries",
    head: ['round', 'solved more often than not', 'half of the time or less', 'never solved', 'kept for games'],
    rows: rounds.map((round) => {
      const mine = problems.filter((row) => row.round === round)
      const all = sum(mine)
      const cell = (part: number): Cell =>
        new Cell(html`${whole(part)} <small>${percent(part / all, 0)}</small>`, part / all)
      return [
        round,
        ...difficulties.map((difficulty) => cell(sum(mine.filter(({ values }) => values[1] === difficulty)))),
        whole(sum(mine.filter(({ values }) => values[2] === 'true'))),
      ]
    }),
  })
}

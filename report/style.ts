/** The report's looks. Colours are variables, so that dark screens and paper change them in one place. */
const variables = `:root {
  --paper: #fdfdfb; --ink: #1d2126; --soft: #5d6570; --line: #dcdfe3; --panel: #f4f4f0; --accent: #23577f;
  --good: #1f6f43; --bad: #a8342a; --warn: #8a5a00; --mark: #ffe1a6;
  --c0: #1f5f99; --c1: #c2571a; --c2: #2c7a4b; --c3: #77489c; --c4: #8a6d00; --c5: #5d6570;
  --tint-of: #2f6fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e6e8ea; --soft: #9aa3ad; --line: #30363d; --panel: #1c2026; --accent: #8fc0ea;
    --good: #6fcf97; --bad: #f08a7f; --warn: #e3b04b; --mark: #6a4a08;
    --c0: #74b3ea; --c1: #f09a5d; --c2: #72c796; --c3: #bf98e0; --c4: #d6b84c; --c5: #9aa3ad;
    --tint-of: #4f93d0;
  }
}
`

const drawings = `svg text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', 'DejaVu Sans', sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 1; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); } .s4 { --c: var(--c4); } .s5 { --c: var(--c5); }
.series polyline { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; }
.series path { fill: var(--c); stroke: var(--paper); stroke-width: 0.8; }
.series .interval { stroke: var(--c); stroke-width: 1.2; opacity: 0.55; }
.series .name { fill: var(--c); font-weight: 600; }
`

/** Of a chart that stands alone. */
export const chartStyle = `${variables}${drawings}svg .title { fill: var(--ink); font-weight: 600; font-size: 13px; }`

export const style = `
${variables}* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', 'DejaVu Sans', sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.15; margin: 0 0 1rem; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 0.6rem; letter-spacing: -0.01em; }
h3 { font-size: 1rem; margin: 1.8rem 0 0.4rem; }
p { margin: 0 0 0.8rem; max-width: 44rem; }
section { border-top: 1px solid var(--line); margin-top: 2.6rem; padding-top: 1.4rem; }
small { font-size: 0.78em; color: var(--soft); }
.below { display: block; line-height: 1.3; }
a { color: var(--accent); }
code, pre, .steps, .say { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace; }
code { font-size: 0.88em; }
.kicker { margin: 0; color: var(--soft); font-size: 0.85rem; letter-spacing: 0.06em; }
.facts { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 0 0 1rem; }
.facts dt { color: var(--soft); font-size: 0.78rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.state { font-weight: 600; }
.state.finished { color: var(--good); } .state.failed { color: var(--bad); }
.state.paused, .state.stopping, .state.stopped { color: var(--warn); }
.headline { border-left: 3px solid var(--accent); padding: 0.15rem 0 0.15rem 1.1rem; margin: 1.6rem 0; }
.headline p:last-child { margin-bottom: 0; }
.lead { font-size: 1.22rem; line-height: 1.45; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; font-size: 0.9rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr)); gap: 1.4rem 1.6rem; margin: 1rem 0; }
figure { margin: 0; }
.chart { max-width: 34rem; }
.chart svg { display: block; width: 100%; height: auto; }
figcaption { font-weight: 600; font-size: 0.92rem; margin-bottom: 0.2rem; }
${drawings}.spark { width: 7.5rem; height: 1.9rem; display: inline-block; vertical-align: middle; }
.spark polyline { fill: none; stroke: var(--c0); stroke-width: 1.4; }
.table { margin: 0.6rem 0 1.2rem; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.88rem; line-height: 1.35; }
thead th[colspan] { text-align: center; } thead th[colspan]:first-child { border-bottom: 0; }
.caption { font-weight: 600; font-size: 0.88rem; margin: 0; }
tbody th { position: sticky; left: 0; background: var(--paper); }
th, td { padding: 0.32rem 0.75rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: 400; } thead th { color: var(--soft); font-size: 0.8rem; vertical-align: bottom; }
.word { text-align: left; }
td:first-child, th:first-child { padding-left: 0.2rem; }
td small { white-space: nowrap; }
.tint { background: color-mix(in srgb, var(--tint-of) calc(var(--tint) * 42%), transparent); }
.none { color: var(--soft); }
.warn { color: var(--warn); }
.bar { display: block; min-width: 6.5rem; background: linear-gradient(to left, color-mix(in srgb, var(--tint-of) 30%, transparent) calc(var(--share) * 100%), transparent 0); padding: 0 0.3rem; }
.hash { font-size: 0.75rem; }
.config { background: var(--panel); padding: 0.9rem 1.1rem; font-size: 0.8rem; line-height: 1.45; overflow-x: auto; columns: 18rem 2; column-gap: 2rem; }
.config span { display: block; break-inside: avoid; }
.game { border: 1px solid var(--line); border-radius: 6px; padding: 1rem 1.2rem; margin: 1.1rem 0; }
.game h3 { margin: 0; }
.game .rule { color: var(--soft); font-size: 0.86rem; margin: 0.1rem 0 0.9rem; max-width: none; }
.board { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 0.9rem 2rem; }
.board h4 { margin: 0 0 0.25rem; font-size: 0.78rem; font-weight: 400; color: var(--soft); }
.steps { list-style: none; margin: 0; padding: 0; font-size: 0.95rem; line-height: 1.6; }
.steps .problem { font-weight: 600; }
.steps .tag { font: 0.75rem/1 system-ui, sans-serif; color: var(--soft); margin-left: 0.7rem; }
.steps mark { background: var(--mark); color: inherit; border-radius: 3px; padding: 0 0.15em; }
.said { list-style: none; margin: 0; padding: 0; font-size: 0.9rem; }
.said li { padding: 0.1rem 0; }
.say { font-size: 0.86rem; }
.verdict { font-weight: 600; } .won { color: var(--good); } .lost { color: var(--bad); }
.foot { color: var(--soft); font-size: 0.8rem; margin: 0.8rem 0 0; max-width: none; }
@media (max-width: 40rem) {
  main { padding-top: 1.4rem; } h1 { font-size: 1.7rem; } .lead { font-size: 1.08rem; }
  .config { columns: 1; } td small { display: block; } th, td { padding: 0.3rem 0.5rem; } .game { padding: 0.8rem 0.9rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #fff; --accent: #000; --mark: #e8e8e8; --good: #000; --bad: #000; --warn: #000; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } nav { display: none; }
  section { margin-top: 1.4rem; } h2, h3, figcaption, .caption { break-after: avoid; }
  figure, tr, .table, .game { break-inside: avoid; } .scroll { overflow: visible; }
  .charts { grid-template-columns: 1fr 1fr; } table { font-size: 8.5pt; } th, td { padding: 0.2rem 0.45rem; }
  .config { columns: 2; font-size: 7.5pt; }
}
`

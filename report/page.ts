import type { RecipeReport, ReportData } from './data.ts'
import { provenanceSection, whatRan } from './frame.ts'
import { html, Html } from './html.ts'
import { style } from './style.ts'
import { timeSection } from './time.ts'
import { updatesSection } from './updates.ts'

/** The whole page: one file that loads nothing, for screens light and dark, wide and narrow, and for paper. */
export function reportPage(data: ReportData, { headline, sections, config }: RecipeReport): string {
  const all = [...sections, updatesSection(data), timeSection(data), provenanceSection(data, config)]
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="Sparring" />
        <link rel="icon" href="data:," />
        <title>${data.run.name} · Sparring</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>
          ${whatRan(data, headline)}
          <nav aria-label="Sections">${all.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
          ${all.map(
            ({ id, title, body }) =>
              html`<section id="${id}">
                <h2>${title}</h2>
                ${body}
              </section>`,
          )}
        </main>
      </body>
    </html> `.text
}

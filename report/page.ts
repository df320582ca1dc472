import type { RecipeReport, ReportData } from './data.ts'
import { htmlDocument } from './document.ts'
import { provenanceSection, whatRan } from './frame.ts'
import { html } from './html.ts'
import { timeSection } from './time.ts'
import { updatesSection } from './updates.ts'

/** The report of a run. */
export function reportPage(data: ReportData, { headline, sections, config }: RecipeReport): string {
  const all = [...sections, updatesSection(data), timeSection(data), provenanceSection(data, config)]
  return htmlDocument(
    data.run.name,
    html`${whatRan(data, headline)}
      <nav aria-label="Sections">${all.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
      ${all.map(
        ({ id, title, body }) =>
          html`<section id="${id}">
            <h2>${title}</h2>
            ${body}
          </section>`,
      )}`,
  )
}

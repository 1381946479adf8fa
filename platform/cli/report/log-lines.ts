import { type Html, html } from './html.ts'
import type { RunSummary } from './run-summary.ts'
import { clock, counted, cut } from './words.ts'

/** Warnings and errors, oldest first. */
export function logLines({ log: { lines, total } }: RunSummary): Html {
  return html`<section aria-labelledby="log"><h2 id="log">Warnings and errors</h2>
${total === 0 && html`<p class="empty">The log has none.</p>`}
${total > lines.length && html`<p>The last ${lines.length} of ${counted(total, 'line')}.</p>`}
${
  lines.length > 0 &&
  html`<ol class="log">
${lines.map(
  ({ time, level, source, message, fields }) =>
    html`<li class="${level}">${clock(time, true)} <span class="level">${level}</span> <span class="source">${source}</span> <span class="message">${cut(message, 1000)}${fieldsOf(fields)}</span></li>\n`,
)}</ol>`
}
</section>`
}

function fieldsOf(fields: Readonly<Record<string, unknown>> | undefined): Html | undefined {
  if (!fields) return undefined
  return html`<span class="fields">${Object.entries(fields).map(
    ([key, value]) => ` ${key}=${cut(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), 200)}`,
  )}</span>`
}

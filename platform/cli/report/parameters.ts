import { type Html, html } from './html.ts'
import { table } from './table.ts'
import { cut } from './words.ts'

const LONGEST = 2000

/** What the run was called with; values of secrets are not in it, the run store has only their names. */
export function parameters(params: Readonly<Record<string, unknown>>): Html {
  const rows = Object.entries(params).map(([name, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value, undefined, 1) ?? 'undefined')
    const short = text.replace(/\s*\n\s*/g, ' ')
    return [
      html`<code>${name}</code>`,
      html`<code class="value">${cut(short.length < 100 ? short : text, LONGEST)}</code>`,
    ]
  })
  return html`<section aria-labelledby="parameters"><h2 id="parameters">Parameters</h2>
${rows.length > 0 ? table('Parameters of the run', [{ title: 'Name' }, { title: 'Value' }], rows) : html`<p class="empty">None were given.</p>`}
</section>`
}

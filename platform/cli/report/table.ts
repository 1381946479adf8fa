import { type Content, type Html, html } from './html.ts'

/** A column of a table; numbers stand right. */
export interface Column {
  readonly title: string
  readonly numeric?: boolean
}

/** A table that scrolls on its own where the page is too narrow for it. @param caption for those who do not see it */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ title, numeric }) => html`<th scope="col"${numeric && html` class="n"`}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell, index) => tableCell(cell, columns[index], index))}</tr>\n`)}</tbody>
</table></div>`
}

function tableCell(content: Content, column: Column | undefined, index: number): Html {
  if (index === 0) return html`<th scope="row">${content}</th>`
  return html`<td${column?.numeric && html` class="n"`}>${content}</td>`
}

import type { FlowManifest } from '../manifest.ts'
import { type CatalogueEntry, catalogueEntry } from './entry.ts'

/** The catalogue of flows as an HTML page that needs nothing else, and asks the network for nothing. */
export function catalogueHtml(manifests: readonly FlowManifest[]): string {
  const entries = manifests.map(catalogueEntry)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Flows</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Flows</h1>
${table(
  'All flows',
  ['Flow', 'What it is for', 'Owner', 'Contact'],
  entries.map(({ name, description, owner, contact }) => [
    `<a href="#${text(name)}">${text(name)}</a>`,
    text(description),
    text(owner),
    link(contact),
  ]),
)}
${entries.map(section).join('\n')}
</main>
</body>
</html>
`
}

function section({ name, description, owner, contact, facts, parameters }: CatalogueEntry): string {
  const about = [
    ['Owner', text(owner)],
    ['Contact', link(contact)],
    ...facts.map(([label, values]) => [label, lines(values)]),
  ]
  const rows = parameters.map(({ name, type, standard, isRequired, description }) => [
    code(name),
    text(type),
    isRequired ? 'required' : standard === undefined ? '' : code(standard),
    text(description),
  ])
  return `<section aria-labelledby="${text(name)}">
<h2 id="${text(name)}">${text(name)}</h2>
<p>${text(description)}</p>
<dl>
${about.map(([label, value]) => `<dt>${label}</dt><dd>${value}</dd>`).join('\n')}
</dl>
${rows.length > 0 ? table(`Parameters of ${name}`, ['Parameter', 'Type', 'Default', 'What it is'], rows) : '<p>It takes no parameters.</p>'}
</section>`
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="wide"><table>
<caption>${text(caption)}</caption>
<thead><tr>${head.map((cell) => `<th scope="col">${text(cell)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`
}

function lines(values: readonly string[]): string {
  return values.map(text).join('<br>')
}

function code(value: string): string {
  return `<code>${text(value)}</code>`
}

function link(contact: string): string {
  return /^[^\s@<>"]+@[^\s@<>"]+$/.test(contact)
    ? `<a href="mailto:${text(contact)}">${text(contact)}</a>`
    : text(contact)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#dfe3e8, #343a42); --soft: light-dark(#59636e, #9aa4af);
  font: 15px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body { margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 28px 24px; }
section { border-top: 1px solid var(--line); margin-top: 32px; padding-top: 8px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding: 4px 0; }
th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.92em; overflow-wrap: anywhere; }
`

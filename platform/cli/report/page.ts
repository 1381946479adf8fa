import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { failures } from './failures.ts'
import { headline } from './headline.ts'
import { Html, html } from './html.ts'
import { logLines } from './log-lines.ts'
import { parameters } from './parameters.ts'
import type { RunSummary } from './run-summary.ts'
import { slowestRuns, taskTable } from './task-table.ts'
import { timelineSection } from './timeline-section.ts'
import { clock } from './words.ts'
import { workerTable } from './worker-table.ts'

const STYLE = asset('page.css')
const SCRIPT = asset('page.client.js')

/** The page allows its own script and nothing else: no request leaves it, whatever is in the run's data. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`

/** The page about a run, as one HTML file that needs nothing else. */
export function reportPage(summary: RunSummary): string {
  const { run, at } = summary
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${run.name}: ${run.state}</title>
<style>
${new Html(STYLE)}</style>
</head>
<body>
<main>
${headline(summary)}
${timelineSection(summary)}
${failures(summary)}
${taskTable(summary)}
${slowestRuns(summary)}
${workerTable(summary)}
${logLines(summary)}
${parameters(run.params)}
</main>
<footer>Made by millrace ${clock(at)}. Times are in your own zone; point at one for UTC.</footer>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`
  return page.text
}

function asset(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
}

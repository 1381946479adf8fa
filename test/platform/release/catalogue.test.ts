import { catalogueHtml, catalogueMarkdown, type FlowManifest } from '@millrace/release'
import { describe, expect, it } from 'vitest'

const RAIN: FlowManifest = {
  name: 'rain',
  description: 'Counts <drops> & | pipes.',
  owner: 'weather',
  contact: 'weather@example.org',
  sources: ['gs://clouds', 'https://example.org/a*b'],
  sinks: [],
  params: {
    type: 'object',
    properties: {
      from: { type: 'integer', description: 'First day' },
      how: { enum: ['all', 'some'], default: 'all' },
      towns: { type: 'array', items: { type: 'string' }, default: [] },
      size: { anyOf: [{ type: 'number' }, { type: 'null' }], default: null },
      text: { type: 'string', default: 'a|`b`<c>' },
    },
    required: ['from'],
  },
  environments: ['dev', 'prod'],
  runOn: { launcher: 'vertex', cpu: 4, memory: 16 * 2 ** 30, machineType: 'n1-standard-4', gpu: 1 },
  workers: { count: 8, cpu: 1, spot: true },
  schedule: { cron: '45 8 * * 2', timezone: 'Europe/Berlin', params: { from: 1 } },
  labels: ['etl'],
  queue: 'nightly',
  secrets: ['db-password'],
  timeout: 8 * 3_600_000,
}
const SUN: FlowManifest = {
  name: 'sun',
  description: 'Shines.',
  owner: '<script>alert(1)</script>',
  contact: 'https://example.org/sun',
  sources: [],
  sinks: [],
  params: { type: 'object', properties: {} },
  runOn: {},
  workers: { count: 0 },
  labels: [],
  queue: 'default',
  secrets: [],
}

describe('the catalogue as Markdown', () => {
  const page = catalogueMarkdown([RAIN, SUN])
  const lines = page.split('\n')

  it('lists the flows, and what each is for', () => {
    expect(lines).toContain('| [rain](#rain) | Counts \\<drops\\> & \\| pipes. | weather |')
    expect(lines).toContain('## sun')
  })

  it('says whose they are, what they read and write, when and where they run', () => {
    for (const line of [
      '| Contact | weather@example.org |',
      '| Sources | gs://clouds<br>https://example.org/a\\*b |',
      '| Sinks | none |',
      '| Schedule | 45 8 \\* \\* 2 (Europe/Berlin) with \\{"from":1\\} |',
      '| Environments | dev<br>prod |',
      '| Runs on | vertex, n1-standard-4, 4 CPU, 16.0 GiB, 1 GPU |',
      '| Workers | 8, 1 CPU, spot |',
      '| Queue | nightly |',
      '| Secrets | db-password |',
      '| Timeout | 8 h 0 min |',
      '| Workers | threads of the driver |',
    ]) {
      expect(lines).toContain(line)
    }
  })

  it('says what parameters they take', () => {
    for (const line of [
      '| `from` | whole number | required | First day |',
      '| `how` | "all" \\| "some" | `"all"` |  |',
      '| `towns` | list of text | `[]` |  |',
      '| `size` | number \\| null | `null` |  |',
      '| `text` | text | `` "a\\|`b`<c>" `` |  |',
      'It takes no parameters.',
    ]) {
      expect(lines).toContain(line)
    }
  })

  it('has no markup but its own', () => {
    expect(page).not.toMatch(/(?<!\\)<(?!br>|c>)/)
  })
})

describe('the catalogue as a page', () => {
  const page = catalogueHtml([RAIN, SUN])

  it('says the same', () => {
    expect(page).toContain('<td><a href="#rain">rain</a></td><td>Counts &lt;drops&gt; &amp; | pipes.</td>')
    expect(page).toContain('<dt>Contact</dt><dd><a href="mailto:weather@example.org">weather@example.org</a></dd>')
    expect(page).toContain('<dt>Schedule</dt><dd>45 8 * * 2 (Europe/Berlin) with {&quot;from&quot;:1}</dd>')
    expect(page).toContain('<td><code>from</code></td><td>whole number</td><td>required</td><td>First day</td>')
    expect(page).toContain('<p>It takes no parameters.</p>')
  })

  it('needs nothing else, asks the network for nothing, and runs nothing', () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(/)
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  })

  it('is well formed', () => {
    const open: string[] = []
    for (const [, slash, name = ''] of page.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
      if (['meta', 'br'].includes(name)) continue
      if (slash) expect(open.pop()).toBe(name)
      else open.push(name)
    }
    expect(open).toEqual([])
  })
})

it('the catalogue of no flow is a page, too', () => {
  expect(catalogueMarkdown([])).toContain('# Flows')
  expect(catalogueHtml([])).toContain('<h1>Flows</h1>')
})

import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Rotation, rotateSecret, type StackFile } from '../../../platform/release/index.ts'
import { mistakeOf } from '../sdk/failure.ts'

/** A stack's file as it is when read. */
function fileOf(text: string): StackFile {
  const { config = {} } = parse(text) as { config?: Record<string, unknown> }
  const ours = Object.entries(config).map(([key, value]) => [key.replace(/^millrace:/, ''), value] as const)
  return { stack: 'dev', name: 'Pulumi.dev.yaml', path: '/Pulumi.dev.yaml', text, config: Object.fromEntries(ours) }
}

/** The lines that a rotation takes away (-) and puts in (+). */
function difference({ text }: Rotation, before: string): string[] {
  const [old, now] = [before.split('\n'), text.split('\n')]
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ]
}

const STACK = `# The stack of every day
encryptionsalt: v1:AbC==

config:
  gcp:project: example          # aligned by hand
  millrace:number: 0012


  # Secrets
  millrace:secrets:
    hook: { source: random, version: 1 }   # signs callbacks
    bare: {source: random}
    block:
      source: random # kept simple
      description: >-
        Two lines
        of text.
    smtp: { source: config, version: 3, keep: 1 }
    mail:
      version: 2 # the second
      source: config
      keep: 0
    outside: { source: external, version: 4, keep: 2 }
  millrace:secretValues:
    smtp: { "1": { secure: v1:a1 }, "2": { secure: v1:a2 }, "3": { secure: v1:a3 }, "4": { secure: v1:a4 } }
    mail:
      # the first is long gone
      2:
        secure: v1:b2 # from the provider
      # the next
      "3":
        secure: v1:b3

  millrace:flows:
    hello: {}
`
const rotated = (name: string, version?: number): Rotation => rotateSecret(fileOf(STACK), name, version)

describe('a rotation', () => {
  it('raises the version, and changes nothing else in the file', () => {
    const rotation = rotated('hook')
    expect(rotation).toMatchObject({ from: 1, to: 2, disabled: [1], kept: [], destroyed: [], removedValues: [] })
    expect(difference(rotation, STACK)).toEqual([
      '-    hook: { source: random, version: 1 }   # signs callbacks',
      '+    hook: { source: random, version: 2 }   # signs callbacks',
    ])
  })

  it('writes the version down where it was left out', () => {
    expect(difference(rotated('bare'), STACK)).toEqual([
      '-    bare: {source: random}',
      '+    bare: {source: random, version: 2}',
    ])
    const rotation = rotated('block')
    expect(difference(rotation, STACK)).toEqual(['+      version: 2'])
    expect(fileOf(rotation.text).config.secrets).toMatchObject({
      block: { source: 'random', version: 2, description: 'Two lines of text.' },
    })
  })

  it('disables the version before, keeps as many as it may, destroys the rest, and drops their values', () => {
    const rotation = rotated('smtp')
    expect(rotation).toMatchObject({ from: 3, to: 4, disabled: [3], kept: [], destroyed: [2], removedValues: [1, 2] })
    expect(difference(rotation, STACK)).toEqual([
      '-    smtp: { source: config, version: 3, keep: 1 }',
      '-    smtp: { "1": { secure: v1:a1 }, "2": { secure: v1:a2 }, "3": { secure: v1:a3 }, "4": { secure: v1:a4 } }',
      '+    smtp: { source: config, version: 4, keep: 1 }',
      '+    smtp: { "3": { secure: v1:a3 }, "4": { secure: v1:a4 } }',
    ])
  })

  it('destroys the version before at once where none is kept, and leaves comments in place', () => {
    const rotation = rotated('mail')
    expect(rotation).toMatchObject({ from: 2, to: 3, disabled: [], kept: [], destroyed: [2], removedValues: [2] })
    expect(difference(rotation, STACK)).toEqual([
      '-      version: 2 # the second',
      '-      2:',
      '-        secure: v1:b2 # from the provider',
      '+      version: 3 # the second',
    ])
  })

  it('keeps several versions where it is told to', () => {
    const stack = STACK.replace('version: 3, keep: 1', 'version: 3, keep: 2')
    expect(rotateSecret(fileOf(stack), 'smtp')).toMatchObject({
      disabled: [3],
      kept: [2],
      destroyed: [1],
      removedValues: [1],
    })
  })

  it('of an external secret only names the version to use', () => {
    const rotation = rotated('outside', 7)
    expect(rotation).toMatchObject({ from: 4, to: 7, disabled: [], kept: [], destroyed: [], removedValues: [] })
    expect(difference(rotation, STACK)).toEqual([
      '-    outside: { source: external, version: 4, keep: 2 }',
      '+    outside: { source: external, version: 7, keep: 2 }',
    ])
  })

  it.each<[how: string, values: string, left: string]>([
    ['the last of a line', '{ "3": { secure: v1:c }, 2: { secure: v1:b } }', '{ "3": { secure: v1:c } }'],
    [
      'one of several lines in braces',
      '{\n        "2": { secure: v1:b },\n        "3": { secure: v1:c }, # new\n      }',
      '{\n        "3": { secure: v1:c }, # new\n      }',
    ],
    [
      'the last of a block',
      '\n      "3":\n        secure: v1:c\n      "2":\n        secure: v1:b',
      '\n      "3":\n        secure: v1:c',
    ],
  ])('drops a value wherever it stands: %s', (_how, values, left) => {
    const stack = `config:
  millrace:secretValues:
    mail: ${values}
  millrace:secrets:
    mail: { source: config, version: 2, keep: 0 }
`
    const { text } = rotateSecret(fileOf(stack), 'mail')
    expect(text).toBe(stack.replace(values, left).replace('version: 2', 'version: 3'))
  })

  it('keeps the line ends of the file', () => {
    const stack = STACK.replaceAll('\n', '\r\n')
    for (const name of ['hook', 'block', 'mail']) {
      expect(rotateSecret(fileOf(stack), name).text).toBe(rotated(name).text.replaceAll('\n', '\r\n'))
    }
  })

  it('is repeated for the next version', () => {
    const twice = rotateSecret(fileOf(rotated('hook').text), 'hook')
    expect(twice).toMatchObject({ from: 2, to: 3, disabled: [2], destroyed: [1] })
    expect(difference(twice, STACK)).toContain('+    hook: { source: random, version: 3 }   # signs callbacks')
  })
})

describe('a rotation is refused', () => {
  it('where the next version has no value yet, with the command that sets it', async () => {
    const stack = STACK.replace(', "4": { secure: v1:a4 }', '')
    expect(await mistakeOf(() => rotateSecret(fileOf(stack), 'smtp'))).toBe(
      'secret smtp: version 4 has no encrypted value in Pulumi.dev.yaml yet; set it, then rotate\n' +
        `pulumi config set --secret --path 'millrace:secretValues["smtp"]["4"]' --stack dev`,
    )
  })

  it('where the next value is plain text, which is not shown', async () => {
    const stack = STACK.replace('"4": { secure: v1:a4 }', '"4": hunter2')
    const mistake = await mistakeOf(() => rotateSecret(fileOf(stack), 'smtp'))
    expect(mistake).toContain('version 4 has no encrypted value')
    expect(mistake).not.toContain('hunter2')
  })

  it.each<[name: string, version: number | undefined, mistake: string]>([
    ['outside', undefined, 'add a version at Secret Manager, then say which'],
    ['outside', 4, 'secret outside: --version must be more than 4, the version now, got 4'],
    ['hook', 5, 'secret hook: the version after 1 is 2; leave --version out'],
    ['smpt', undefined, 'Pulumi.dev.yaml: there is no secret "smpt" in millrace:secrets'],
    ['hok', undefined, 'did you mean "hook"?'],
    ['constructor', undefined, 'there is no secret "constructor"'],
  ])('of %s to %s', async (name, version, mistake) => {
    expect(await mistakeOf(() => rotated(name, version))).toContain(mistake)
  })

  it('where secrets are declared wrongly', async () => {
    const stack = STACK.replace('{ source: random, version: 1 }', '{ source: random, version: one }')
    expect(await mistakeOf(() => rotateSecret(fileOf(stack), 'bare'))).toBe(
      'Pulumi.dev.yaml: millrace:secrets.hook.version: expected a whole number, got "one"',
    )
  })

  it('where the secret is written as an alias', async () => {
    const stack = 'config:\n  millrace:secrets:\n    a: &a { source: random }\n    b: *a\n'
    expect(await mistakeOf(() => rotateSecret(fileOf(stack), 'b'))).toContain('change its version by hand')
  })
})

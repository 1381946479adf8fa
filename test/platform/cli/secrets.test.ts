import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command, type Ended } from '../../e2e/command.ts'
import { flowModule, makeProject } from '../release/project.ts'

const DEV = `config:
  millrace:secrets:
    hook: { source: random, version: 1 }   # signs callbacks
    smtp: { source: config, version: 2 }
    token: { source: external, version: 3, description: of the map }
  millrace:secretValues:
    smtp: { "1": { secure: v1:one }, "2": { secure: v1:two }, "3": { secure: v1:three } }
  millrace:agents:
    cloud-run: { launcher: cloud-run, secrets: [hook, token] }
  millrace:flows:
    pay: {}
`
const PROD = `config:
  millrace:secrets:
    hook: { source: config, version: 4 }
  millrace:secretValues:
    hook: { "3": hunter2, "4": { secure: v1:four } }
  millrace:flows:
    pay: {}
`
let project: ReturnType<typeof makeProject>
const secrets = (line: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  command(`millrace secrets ${line}`, project.root, { MILLRACE_STACK: undefined, ...env })
const fileOf = (stack: string): string => readFileSync(join(project.root, `Pulumi.${stack}.yaml`), 'utf8')
const write = (path: string, text: string): void => writeFileSync(join(project.root, path), text)

beforeEach(() => {
  project = makeProject({
    'Pulumi.yaml': 'name: millrace\n',
    'Pulumi.dev.yaml': DEV,
    'Pulumi.prod.yaml': PROD,
    'flows/pay/flow.ts': flowModule('pay', `secrets: ['smtp']`),
  })
})
afterEach(() => project.remove())

describe('millrace secrets', () => {
  it('lists the secrets of dev, and who uses them', async () => {
    const { code, out } = await secrets('')
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'SECRET  SOURCE    VERSION  KEPT  USED BY',
      'hook    random    1              agents.cloud-run',
      'smtp    config    2        1     flow pay',
      'token   external  3              agents.cloud-run',
      '',
    ])
  })

  it('lists them for other programs, with no value', async () => {
    const { out } = await secrets('list --json')
    expect(JSON.parse(out)).toContainEqual({
      name: 'smtp',
      source: 'config',
      version: 2,
      keep: 1,
      kept: [1],
      flows: ['pay'],
      consumers: [],
    })
    expect(out).not.toContain('v1:')
  })

  it('lists those of the stack that is asked for, by option or by environment', async () => {
    expect((await secrets('list --stack prod')).out).toMatch(/hook +config +4 +3\n/)
    expect((await secrets('list', { MILLRACE_STACK: 'prod' })).out).toMatch(/hook +config +4 +3\n/)
  })

  it('lists them also where a flow is broken, and says what is not known', async () => {
    write('flows/pay/flow.ts', 'export default flow(\n')
    const { code, out, err } = await secrets('list')
    expect(code).toBe(0)
    expect(out).toMatch(/smtp +config +2 +1\n/)
    expect(err).toContain('millrace: which flows use a secret is not known: flows/pay/flow.ts does not load: ')
  })
})

describe('millrace secrets rotate', () => {
  it('raises the version in the file, and says what the next up does', async () => {
    const { code, out } = await secrets('rotate smtp')
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'smtp: version 2 -> 3 in Pulumi.dev.yaml',
      'Gone from the file: the value of version 1',
      'The next "pulumi up --stack dev" will:',
      '  add version 3, with the value that is in the file',
      '  roll what uses it: flow pay',
      '  disable version 2, and keep it',
      '  destroy version 1',
      '',
    ])
    expect(fileOf('dev')).toBe(
      DEV.replace('smtp: { source: config, version: 2 }', 'smtp: { source: config, version: 3 }').replace(
        '"1": { secure: v1:one }, ',
        '',
      ),
    )
    expect(fileOf('prod')).toBe(PROD)
    expect(readdirSync(project.root).filter((name) => name.includes('tmp'))).toEqual([])
  })

  it('writes nothing in a dry run', async () => {
    const { code, out } = await secrets('rotate hook --dry-run --json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      secret: 'hook',
      stack: 'dev',
      source: 'random',
      from: 1,
      to: 2,
      disabled: [1],
      kept: [],
      destroyed: [],
      removedValues: [],
      flows: [],
      consumers: ['agents.cloud-run'],
      dryRun: true,
    })
    expect(fileOf('dev')).toBe(DEV)
  })

  it('asks for the version of an external secret, and takes it', async () => {
    const asked = await secrets('rotate token')
    expect(asked.code).toBe(2)
    expect(asked.err).toContain('add a version at Secret Manager, then say which')
    expect(asked.err).toContain('millrace secrets rotate token --stack dev --version N')
    const { code, out } = await secrets('rotate token --version 5')
    expect(code).toBe(0)
    expect(out).toContain('token: version 3 -> 5 in Pulumi.dev.yaml')
    expect(fileOf('dev')).toBe(DEV.replace('version: 3, desc', 'version: 5, desc'))
  })

  it.each([
    ['rotate smpt', 'there is no secret "smpt" in millrace:secrets'],
    ['rotate hook --stack prod', `version 5 has no encrypted value in Pulumi.prod.yaml yet; set it, then rotate`],
    ['rotate hook --version 7', 'secret hook: the version after 1 is 2; leave --version out'],
    ['rotate token --version x', '--version: expected a whole number, 1 or more, got "x"'],
    ['rotate hook --stack prd', 'there is no stack "prd": no file Pulumi.prd.yaml; did you mean "prod"?'],
    ['rotate', `error: missing required argument 'secret'`],
  ])('refuses: millrace secrets %s', async (line, message) => {
    const { code, out, err } = await secrets(line)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain(message)
    expect([fileOf('dev'), fileOf('prod')]).toEqual([DEV, PROD])
  })
})

describe('millrace secrets verify', () => {
  it('is content where all is well, and warns of what is of no use', async () => {
    const { code, out } = await secrets('verify')
    expect(code).toBe(0)
    expect(out).toContain('warning: millrace:secretValues.smtp.3: the version is 2; to use this one: ')
    expect(out).toContain('The secrets of Pulumi.dev.yaml are in order.\n')
  })

  it('fails where something is wrong, and never prints a value', async () => {
    const { code, out, err } = await secrets('verify --stack prod')
    expect(code).toBe(1)
    expect(out).toContain(
      'error: flows/pay/flow.ts: there is no secret "smtp" in millrace:secrets of Pulumi.prod.yaml\n',
    )
    expect(out).toContain('error: millrace:secretValues.hook.3: is not encrypted')
    expect(out).not.toContain('in order')
    expect(out + err).not.toContain('hunter2')
  })

  it('reports to other programs', async () => {
    const { code, out } = await secrets('verify --stack prod --json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ stack: 'prod', ok: false })
    expect(out).not.toContain('hunter2')
  })

  it('fails where the file, or a flow, cannot be read', async () => {
    write('Pulumi.dev.yaml', 'config: {\n  hunter2\n')
    write('flows/pay/flow.ts', `export { default } from './settings.ts'\n`)
    write('flows/pay/settings.ts', 'export default\n  flow(\n')
    const { code, out } = await secrets('verify')
    expect(code).toBe(1)
    expect(out).toMatch(/^error: flows\/pay\/flow\.ts does not load: .+ \(flows\/pay\/settings\.ts:2\)$/m)
    expect(out).toMatch(/^error: Pulumi\.dev\.yaml: line \d: this is not YAML \(.+\)$/m)
    expect(out).not.toContain('hunter2')
  })

  it('says that it was asked wrongly by another exit code', async () => {
    expect((await secrets('verify --stack prd')).code).toBe(2)
    expect((await secrets('verify --stac prod')).code).toBe(2)
  })
})

it('the version of the program is still told', async () => {
  expect((await command('millrace --version', project.root)).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { IMAGE_TYPE } from '../components/image-type.ts'
import { isRecord, type Plan, type Planned, type PlannedResource, Unknown } from './planned-resource.ts'

/**
 * Where unknown values come from. A program cannot be asked; so it is run a second time with made-up texts in their
 * place, `‹database.privateIpAddress›`, and where such a text turns up the first run's unknown value came from there.
 * The first run alone decides what is in the plan: what a made-up text leads to elsewhere is not looked at.
 */
const MADE_UP = /‹([^‹›]+)›/g

/**
 * The digest of an image cannot be any text: who is given it looks at it. It is made up of where it comes from, and is
 * known again by it.
 */
const originOf = (image: string): string => `${image}.digest`
const madeUpDigest = (image: string): string => `sha256:${createHash('sha256').update(originOf(image)).digest('hex')}`

/** Texts for all outputs of a resource, as its class in the provider's package names them. */
export function madeUpOutputs(root: string): (type: string, name: string) => Readonly<Record<string, string>> {
  const require = createRequire(join(root, 'package.json'))
  const known = new Map<string, readonly string[]>()
  return (type, name) => {
    if (type === IMAGE_TYPE) return { digest: madeUpDigest(name) }
    const fields = known.get(type) ?? outputFields(require, type)
    known.set(type, fields)
    return Object.fromEntries(['id', ...fields].map((field) => [field, `‹${name}.${field}›`]))
  }
}

/** Fields that the constructor of a resource's class sets; none where its file cannot be found. */
function outputFields(require: NodeJS.Require, type: string): string[] {
  const [pkg = '', module = '', kind = ''] = type.split(':')
  const path = pkg === 'kubernetes' ? `${module}/${kind.charAt(0).toLowerCase()}${kind.slice(1)}` : module
  try {
    const source = readFileSync(require.resolve(`@pulumi/${pkg}/${path.replace(/^index\//, '')}.js`), 'utf8')
    return [...new Set([...source.matchAll(/resourceInputs\["(\w+)"\]/g)].map(([, field = '']) => field))]
  } catch {
    return []
  }
}

/** The plan, with the origin of its unknown values as far as the rehearsal shows it. */
export function withOrigins(plan: Plan, rehearsed: Plan): Plan {
  const byUrn = new Map(rehearsed.resources.map((each) => [each.urn, each]))
  const traced = tracer(plan)
  return {
    ...plan,
    outputs: traced(plan.outputs, rehearsed.outputs),
    resources: plan.resources.map((each): PlannedResource => {
      const other = byUrn.get(each.urn)
      if (!other) return each
      return { ...each, inputs: traced(each.inputs, other.inputs), outputs: traced(each.outputs, other.outputs) }
    }),
  }
}

type Fields = Readonly<Record<string, Planned>>

function tracer({ resources }: Plan): (values: Fields, rehearsed: Fields) => Fields {
  const images = resources.filter(({ type }) => type === IMAGE_TYPE)
  const digests = new Map(images.map(({ name }) => [madeUpDigest(name), `‹${originOf(name)}›`]))

  const traced = (values: Fields, rehearsed: Fields): Fields =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, trace(value, rehearsed[key])]))

  function trace(value: Planned, rehearsed: Planned | undefined): Planned {
    if (value instanceof Unknown) {
      // An object with one unknown part may be unknown as a whole.
      return named(value, typeof rehearsed === 'string' ? rehearsed : JSON.stringify(rehearsed ?? null))
    }
    if (Array.isArray(value)) {
      return value.map((each: Planned, i) => trace(each, Array.isArray(rehearsed) ? rehearsed[i] : undefined))
    }
    return isRecord(value) ? traced(value, isRecord(rehearsed) ? rehearsed : {}) : value
  }

  function named(value: Unknown, rehearsed: string): Unknown {
    const text = rehearsed.replace(/sha256:[0-9a-f]{64}/g, (digest) => digests.get(digest) ?? digest)
    const origins = new Set([...text.matchAll(MADE_UP)].map(([, origin]) => origin))
    return origins.size > 0 ? new Unknown([...origins].join(', '), text.replace(MADE_UP, '<$1>')) : value
  }

  return traced
}

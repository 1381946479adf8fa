import type { Fault } from '../check.ts'
import type { Plan, PlannedResource } from '../planned-resource.ts'
import { nameOf } from '../urn.ts'
import { leaves, readable } from '../walk.ts'

/**
 * Names of this project's secrets, service accounts and buckets that stand in inputs as text: there must be such a
 * resource in the plan, and what names it must come after it.
 */
export function references(plan: Plan): Fault[] {
  const declared = declaredNames(plan)
  const after = predecessors(plan)
  return plan.resources.flatMap((each) => {
    const mentions = new Map(
      leaves(each.inputs).flatMap(({ value, path, key }) =>
        mentioned(readable(value) ?? '', key, each.type, declared).map((thing) => [
          `${thing.kind} ${thing.name}`,
          { ...thing, path },
        ]),
      ),
    )
    return [...mentions.values()].flatMap(({ kind, name, path }): Fault[] => {
      const target = declared.byName.get(`${kind} ${name}`)
      if (target === undefined) {
        return [
          {
            urn: each.urn,
            message: `${path} names the ${kind} ${name}, which nothing declares; declare it, or correct the name`,
          },
        ]
      }
      if (target === each.urn || after(each.urn).has(target) || after(target).has(each.urn)) return []
      return [
        {
          urn: each.urn,
          message: `${path} names the ${kind} ${name} as text, and so may be made before it; use an output of ${nameOf(target)}, or dependsOn`,
        },
      ]
    })
  })
}

interface Mention {
  readonly kind: 'secret' | 'service account' | 'bucket'
  readonly name: string
}

interface Declared {
  /** URN by kind and name. */
  readonly byName: ReadonlyMap<string, string>
  /** Ids and numbers of the projects that this plan makes things in. */
  readonly projects: ReadonlySet<string>
}

function declaredNames({ resources }: Plan): Declared {
  const byName = new Map<string, string>()
  const projects = new Set<string>()
  for (const { urn, type, inputs, known } of resources) {
    const { project } = { ...inputs, ...known }
    if (typeof project === 'string') projects.add(project)
    const number = /^projects\/(\d+)\//.exec(known.name ?? '')?.[1]
    if (number !== undefined) projects.add(number)
    if (type === 'gcp:secretmanager/secret:Secret') byName.set(`secret ${inputs.secretId}`, urn)
    if (type === 'gcp:storage/bucket:Bucket') byName.set(`bucket ${inputs.name}`, urn)
    if (known.email !== undefined) byName.set(`service account ${known.email}`, urn)
  }
  return { byName, projects }
}

function mentioned(text: string, key: string, type: string, { projects }: Declared): Mention[] {
  const found: Mention[] = []
  for (const [, project = '', name = ''] of text.matchAll(/projects\/([\w-]+)\/secrets\/([\w-]+)/g)) {
    if (projects.has(project)) found.push({ kind: 'secret', name })
  }
  for (const [email, , project = ''] of text.matchAll(/([a-z][\w-]*)@([a-z][\w-]*)\.iam\.gserviceaccount\.com/g)) {
    if (projects.has(project)) found.push({ kind: 'service account', name: email })
  }
  for (const [, name = ''] of text.matchAll(/(?:gs:\/\/|projects\/_\/buckets\/)([a-z0-9][\w.-]+)/g)) {
    if ([...projects].some((project) => name.startsWith(`${project}-`))) found.push({ kind: 'bucket', name })
  }
  // Cloud Run names a secret of its own project without the project.
  if (key === 'secret' && type.startsWith('gcp:cloudrunv2/') && /^[\w-]+$/.test(text)) {
    found.push({ kind: 'secret', name: text })
  }
  return found
}

/** All that must exist before a resource, directly or not, by URN. */
function predecessors({ resources }: Plan): (urn: string) => ReadonlySet<string> {
  const direct = new Map(resources.map((each) => [each.urn, before(each)]))
  const found = new Map<string, Set<string>>()
  return (urn) => {
    const known = found.get(urn)
    if (known) return known
    const all = new Set<string>()
    const open = [urn]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const each of direct.get(next) ?? []) {
        if (all.has(each)) continue
        all.add(each)
        open.push(each)
      }
    }
    found.set(urn, all)
    return all
  }
}

function before({ dependencies, propertyDependencies, parent }: PlannedResource): string[] {
  return [...dependencies, ...Object.values(propertyDependencies).flat(), ...(parent === undefined ? [] : [parent])]
}

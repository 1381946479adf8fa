import type { PlannedResource } from '../../plan/planned-resource.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, isHidden, itemsAt, numberAt, textAt } from '../values.ts'

const FIRST_ENTERPRISE_PLUS = 16
const PLUS_TIER = /^db-(?:perf-optimized|c4a|n4)-/
const SHARED_TIER = /^db-(?:f1-micro|g1-small)$/
const CUSTOM_TIER = /^db-custom-(\d+)-(\d+)$/
/** Google's rules for the memory (MB) of a machine of one's own choice. */
const MEMORY = { least: 3840, step: 256 }

export const databaseSettings: ResourcePolicy = {
  name: 'database-settings',
  description: 'The settings of a Cloud SQL instance fit together: version, edition, tier, flags, network, standby.',
  reason: 'Only Google checks them, minutes into an up.',
  *resource(resource) {
    if (resource.type !== 'gcp:sql/databaseInstance:DatabaseInstance') return
    yield* tierFaults(resource)
    yield* flagFaults(resource)
    yield* networkFaults(resource)
  },
}

function* tierFaults({ inputs }: PlannedResource): Generator<Fault> {
  const edition = at(inputs, 'settings.edition')
  const version = Number(/^POSTGRES_(\d+)$/.exec(textAt(inputs, 'databaseVersion') ?? '')?.[1] ?? 0)
  if (edition === undefined && version >= FIRST_ENTERPRISE_PLUS) {
    yield {
      property: 'settings.edition',
      wrong: `is missing, which is Enterprise Plus for POSTGRES_${version}`,
      fix: 'set it to "ENTERPRISE", or to "ENTERPRISE_PLUS" with a tier of it',
    }
  }
  const tier = textAt(inputs, 'settings.tier')
  if (tier === undefined || isHidden(edition)) return
  const isPlus = edition === 'ENTERPRISE_PLUS'
  const known = PLUS_TIER.test(tier) || SHARED_TIER.test(tier) || CUSTOM_TIER.test(tier)
  if (!known || isPlus !== PLUS_TIER.test(tier)) {
    yield {
      property: 'settings.tier',
      wrong: `is "${tier}", which the edition ${isPlus ? 'ENTERPRISE_PLUS' : 'ENTERPRISE'} does not have`,
      fix: isPlus ? 'use db-perf-optimized-N-CPUS' : 'use db-f1-micro, db-g1-small or db-custom-CPUS-MEGABYTES',
    }
  }
  const [, cpus, memory] = CUSTOM_TIER.exec(tier) ?? []
  if (cpus === undefined) return
  const [count, megabytes] = [Number(cpus), Number(memory)]
  if ((count !== 1 && count % 2 !== 0) || count < 1 || megabytes < MEMORY.least || megabytes % MEMORY.step !== 0) {
    yield {
      property: 'settings.tier',
      wrong: `is "${tier}", which Google refuses`,
      fix: `use one CPU or an even number, and ${MEMORY.least} MB or more, in steps of ${MEMORY.step}`,
    }
  }
}

function* flagFaults({ inputs }: PlannedResource): Generator<Fault> {
  for (const { path, value } of itemsAt(inputs, 'settings.databaseFlags')) {
    const flag = textAt(value, 'value')
    if (flag !== 'true' && flag !== 'false') continue
    const written = flag === 'true' ? 'on' : 'off'
    yield { property: `${path}.value`, wrong: `is "${flag}" (${textAt(value, 'name')})`, fix: `write "${written}"` }
  }
}

function* networkFaults({ inputs }: PlannedResource): Generator<Fault> {
  const ip = 'settings.ipConfiguration'
  const isPublic = at(inputs, `${ip}.ipv4Enabled`) !== false
  const reached = at(inputs, `${ip}.privateNetwork`) ?? itemsAt(inputs, `${ip}.pscConfigs`)[0]?.value
  if (!isPublic && reached === undefined) {
    yield {
      property: `${ip}.privateNetwork`,
      wrong: 'is missing, and there is no public address either',
      fix: 'give the network',
    }
  }
  const backups = 'settings.backupConfiguration'
  if (textAt(inputs, 'settings.availabilityType') === 'REGIONAL') {
    for (const property of [`${backups}.enabled`, `${backups}.pointInTimeRecoveryEnabled`]) {
      const value = at(inputs, property)
      if (value === true || isHidden(value)) continue
      yield { property, wrong: 'is not true, which a standby needs', fix: 'set it to true' }
    }
  }
  const days = numberAt(inputs, `${backups}.transactionLogRetentionDays`) ?? 1
  const most = at(inputs, 'settings.edition') === 'ENTERPRISE_PLUS' ? 35 : 7
  if (days < 1 || days > most) {
    yield {
      property: `${backups}.transactionLogRetentionDays`,
      wrong: `is ${days}`,
      fix: `use 1 to ${most} days`,
    }
  }
}

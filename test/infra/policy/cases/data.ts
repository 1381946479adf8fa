import type { Planned } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { resource } from '../fragments.ts'

type Inputs = Parameters<typeof resource>[2]
type Values = { readonly [key: string]: Planned }

const instance = (settings: Values = {}, inputs: Inputs = {}, protect = true) =>
  resource(
    'gcp:sql/databaseInstance:DatabaseInstance',
    'postgres',
    {
      deletionProtection: true,
      ...inputs,
      settings: {
        deletionProtectionEnabled: true,
        backupConfiguration: { enabled: true, pointInTimeRecoveryEnabled: true },
        ...settings,
      },
    },
    { protect },
  )
const bucket = (inputs: Inputs = {}, protect = true) =>
  resource('gcp:storage/bucket:Bucket', 'results', { versioning: { enabled: true }, ...inputs }, { protect })
const open = (...resources: ReturnType<typeof resource>[]) => ({ resources, outputs: { isProtected: false } })
const openInstance = instance({ deletionProtectionEnabled: false }, { deletionProtection: false }, false)

export const data: Cases = {
  'data-protected': {
    keeps: [
      ['a database protected in every way', [instance()]],
      ['a bucket with versions', [bucket()]],
      [
        'a bucket whose deletions can be taken back',
        [bucket({ versioning: { enabled: false }, softDeletePolicy: { retentionDurationSeconds: 604800 } })],
      ],
      ['a volume of an engine', [resource('docker:index/volume:Volume', 'data', {}, { protect: true })]],
      ['what holds no data', [resource('gcp:compute/network:Network', 'n')]],
      ['a stack that is not protected at all', open(openInstance, bucket({}, false))],
    ],
    breaks: [
      [
        'a database that Pulumi may delete',
        [instance({}, {}, false)],
        'sql.DatabaseInstance postgres: protect is false; set it to place.protect',
      ],
      [
        'a database that the provider may delete',
        [instance({}, { deletionProtection: false })],
        'sql.DatabaseInstance postgres: deletionProtection is false; set it to true',
      ],
      [
        'a database that Google may delete',
        [instance({ deletionProtectionEnabled: false })],
        'sql.DatabaseInstance postgres: settings.deletionProtectionEnabled is false; set it to true',
      ],
      [
        'a volume that may be deleted',
        [resource('docker:index/volume:Volume', 'data')],
        'Volume data: protect is false; set it to place.protect',
      ],
      [
        'a key that may be deleted',
        [resource('gcp:kms/cryptoKey:CryptoKey', 'key')],
        'kms.CryptoKey key: protect is false; set it to place.protect',
      ],
      [
        'a bucket that is deleted with all in it',
        [bucket({ forceDestroy: true })],
        'storage.Bucket results: forceDestroy is true; remove it while the stack is protected',
      ],
      [
        'a dataset that is deleted with all in it',
        [resource('gcp:bigquery/dataset:Dataset', 'areas', { deleteContentsOnDestroy: true }, { protect: true })],
        'bigquery.Dataset areas: deleteContentsOnDestroy is true; set it to false',
      ],
      [
        'a bucket that forgets',
        [bucket({ versioning: { enabled: false } })],
        'storage.Bucket results: versioning.enabled is false, and there is no softDeletePolicy either; set one of them, so that what was deleted can be brought back',
      ],
      [
        'a protected bucket in a stack that is to go',
        open(bucket()),
        'storage.Bucket results: protect is true, though the stack is not protected; set it to place.protect',
      ],
      [
        'a database with half a protection in a stack that is to go',
        open(instance({ deletionProtectionEnabled: false }, {}, false)),
        'sql.DatabaseInstance postgres: deletionProtection is true, though the stack is not protected; set it to false, or destroy stops there',
      ],
      [
        'a cluster that is protected by default in a stack that is to go',
        open(resource('gcp:container/cluster:Cluster', 'cluster')),
        'container.Cluster cluster: deletionProtection is missing, though the stack is not protected; set it to false, or destroy stops there',
      ],
      [
        'a stack that does not say',
        { resources: [instance()], outputs: {} },
        'Stack millrace-dev: output isProtected is missing; export whether millrace:protect is on, as true or false',
      ],
    ],
  },

  'database-recovers': {
    keeps: [
      ['backups and every moment between them', [instance()]],
      ['a copy', [instance({ backupConfiguration: {} }, { masterInstanceName: 'postgres' })]],
      ['a stack that is not protected', open(instance({ backupConfiguration: {} }))],
    ],
    breaks: [
      [
        'no backups',
        [instance({ backupConfiguration: { pointInTimeRecoveryEnabled: true } })],
        'sql.DatabaseInstance postgres: settings.backupConfiguration.enabled is missing; set it to true',
      ],
      [
        'only daily backups',
        [instance({ backupConfiguration: { enabled: true, pointInTimeRecoveryEnabled: false } })],
        'sql.DatabaseInstance postgres: settings.backupConfiguration.pointInTimeRecoveryEnabled is false; set it to true',
      ],
    ],
  },

  'deletion-decided': {
    keeps: [
      [
        'a service that may be replaced',
        [resource('gcp:cloudrunv2/service:Service', 's', { deletionProtection: false })],
      ],
      ['a database that says so', [instance()]],
    ],
    breaks: [
      [
        'a worker pool that says nothing',
        [resource('gcp:cloudrunv2/workerPool:WorkerPool', 'agent')],
        'cloudrunv2.WorkerPool agent: deletionProtection is missing, which is true; set it to place.protect where there is data, else to false',
      ],
    ],
  },
}

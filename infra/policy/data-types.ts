/** What holds data that nothing can make again: it carries Pulumi's `protect`. */
export const DATA_TYPES: readonly string[] = [
  'gcp:sql/databaseInstance:DatabaseInstance',
  'gcp:sql/database:Database',
  'gcp:storage/bucket:Bucket',
  'gcp:kms/cryptoKey:CryptoKey',
  'gcp:bigquery/dataset:Dataset',
  'gcp:bigquery/table:Table',
  'docker:index/volume:Volume',
]

/**
 * Switches of the provider and of Google against deletion, by type. Where `isOn` says so, it is on when left out, and then
 * not even a replacement gets past it; turning it off takes an `up` of its own.
 */
export const SWITCHES: Readonly<Record<string, readonly { readonly property: string; readonly isOn: boolean }[]>> = {
  'gcp:sql/databaseInstance:DatabaseInstance': [
    { property: 'deletionProtection', isOn: true },
    { property: 'settings.deletionProtectionEnabled', isOn: false },
  ],
  'gcp:bigquery/table:Table': [{ property: 'deletionProtection', isOn: true }],
  'gcp:cloudrunv2/service:Service': [{ property: 'deletionProtection', isOn: true }],
  'gcp:cloudrunv2/job:Job': [{ property: 'deletionProtection', isOn: true }],
  'gcp:cloudrunv2/workerPool:WorkerPool': [{ property: 'deletionProtection', isOn: true }],
  'gcp:container/cluster:Cluster': [{ property: 'deletionProtection', isOn: true }],
}

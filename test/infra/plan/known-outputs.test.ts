import { describe, expect, it } from 'vitest'
import { isNamedByPulumi, knownOutputs } from '../../../infra/plan/known-outputs.ts'
import { Unknown } from '../../../infra/plan/planned-resource.ts'

const place = { project: 'p', projectNumber: '42', region: 'europe-west1' }

describe('what a provider will answer', () => {
  it('follows from names and from where the provider puts things', () => {
    expect(knownOutputs('gcp:serviceaccount/account:Account', { accountId: 'agent' }, place)).toEqual({
      project: 'p',
      email: 'agent@p.iam.gserviceaccount.com',
      member: 'serviceAccount:agent@p.iam.gserviceaccount.com',
      id: 'projects/p/serviceAccounts/agent@p.iam.gserviceaccount.com',
      name: 'projects/p/serviceAccounts/agent@p.iam.gserviceaccount.com',
    })
    expect(
      knownOutputs('gcp:artifactregistry/repository:Repository', { repositoryId: 'images', format: 'DOCKER' }, place),
    ).toMatchObject({ location: 'europe-west1', name: 'images', registryUri: 'europe-west1-docker.pkg.dev/p/images' })
  })

  it('goes by what the resource says itself first', () => {
    const inputs = { name: 'net', project: 'other' }
    expect(knownOutputs('gcp:compute/network:Network', inputs, place)).toEqual({
      id: 'projects/other/global/networks/net',
      selfLink: 'https://www.googleapis.com/compute/v1/projects/other/global/networks/net',
    })
  })

  it('has the number of the project where Google puts it in a name, and only when it is known', () => {
    const secret = { secretId: 'token' }
    expect(knownOutputs('gcp:secretmanager/secret:Secret', secret, place)).toMatchObject({
      id: 'projects/p/secrets/token',
      name: 'projects/42/secrets/token',
    })
    expect(knownOutputs('gcp:secretmanager/secret:Secret', secret, { project: 'p' })).not.toHaveProperty('name')
  })

  it('is nothing for a part that is not known yet', () => {
    const { id, connectionName } = knownOutputs('gcp:sql/databaseInstance:DatabaseInstance', {}, place)
    expect({ id, connectionName }).toEqual({ id: undefined, connectionName: undefined })
    expect(knownOutputs('gcp:storage/bucket:Bucket', { name: new Unknown('suffix.hex') }, place)).toEqual({})
  })

  it('takes the name of a cluster from its id', () => {
    const cluster = 'projects/p/locations/europe-west1/clusters/main'
    expect(
      knownOutputs('gcp:container/nodePool:NodePool', { name: 'small', cluster, location: 'europe-west1' }, place).id,
    ).toBe(`${cluster}/nodePools/small`)
  })

  it('is namespace and name for objects of a Kubernetes cluster', () => {
    const id = (type: string, metadata: Record<string, string>) => knownOutputs(type, { metadata }, place).id
    expect(id('kubernetes:apps/v1:Deployment', { name: 'agent', namespace: 'millrace' })).toBe('millrace/agent')
    expect(id('kubernetes:core/v1:Namespace', { name: 'millrace' })).toBe('millrace')
    expect(id('kubernetes:apps/v1:Deployment', { name: 'agent' })).toBeUndefined()
  })

  it('is nothing for types that nobody here knows', () => {
    expect(knownOutputs('random:index/randomPassword:RandomPassword', { length: 20 }, place)).toEqual({})
  })
})

it('knows which things get their name from Pulumi', () => {
  expect(isNamedByPulumi('gcp:sql/databaseInstance:DatabaseInstance', {})).toBe(true)
  expect(isNamedByPulumi('gcp:sql/databaseInstance:DatabaseInstance', { name: 'main' })).toBe(false)
  expect(isNamedByPulumi('gcp:secretmanager/secretVersion:SecretVersion', {})).toBe(false)
})

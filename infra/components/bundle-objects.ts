import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'

/** A bundle as it lies on disk. */
export interface BundleFiles {
  readonly flow: string
  readonly digest: string
  /** Paths of its files, from the folder that the program runs in, by their path in the bucket; its code comes last. */
  readonly files: ReadonlyMap<string, string>
}

/**
 * Puts a bundle into its bucket. Older ones stay when a newer one comes, for runs that began with them and for a
 * rollback; so the files of each have names of their own.
 * @returns what must be there before it can be run
 */
export function putBundle(
  { flow, digest, files }: BundleFiles,
  bucket: gcp.storage.Bucket,
  parent: pulumi.Resource,
): pulumi.Resource[] {
  const short = digest.slice(0, 12)
  return [...files].map(
    ([path, file]) =>
      new gcp.storage.BucketObject(
        `bundle-${flow}-${path.slice(path.lastIndexOf('/') + 1).replace(digest, short)}`,
        { bucket: bucket.name, name: path, source: new pulumi.asset.FileAsset(file) },
        { parent, retainOnDelete: true },
      ),
  )
}

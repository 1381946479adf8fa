/** A type in the words of the program: `storage.Bucket`, `kubernetes Deployment`, `RandomPassword`, `Database` for ours. */
export function shortType(type: string): string {
  const [pkg = '', path = '', kind = ''] = type.split(':')
  if (pkg === 'pulumi') return path === 'providers' ? `provider ${kind}` : kind
  if (pkg === 'gcp') return `${path.replace(/\/.*$/, '')}.${kind}`
  return pkg === 'kubernetes' ? `kubernetes ${kind}` : kind
}

/** `storage.Bucket results` */
export function titleOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${shortType(type)} ${name}`
}

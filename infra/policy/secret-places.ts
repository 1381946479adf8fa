/** The places a secret value may stand in, by type: Google or Kubernetes keep it as a secret there. */
const SECRET_PLACES: Readonly<Record<string, readonly string[]>> = {
  'gcp:secretmanager/secretVersion:SecretVersion': ['secretData', 'secretDataWo'],
  'gcp:secretmanager/regionalSecretVersion:RegionalSecretVersion': ['secretData', 'secretDataWo'],
  'gcp:sql/user:User': ['password', 'passwordWo'],
  'gcp:sql/databaseInstance:DatabaseInstance': ['rootPassword', 'rootPasswordWo'],
  'gcp:monitoring/notificationChannel:NotificationChannel': ['sensitiveLabels'],
  'kubernetes:core/v1:Secret': ['data', 'stringData'],
}

/** What the provider's own package marks as secret whatever it is: a mark there tells nothing. */
const ALWAYS_MARKED: Readonly<Record<string, readonly string[]>> = {
  'gcp:storage/bucketObject:BucketObject': ['content'],
}

/**
 * Places of which some values are secret and others are for everybody to see: an engine's containers are told a password
 * by their environment, and whoever may ask the engine for that is root on its machine.
 */
const MAY_BE_SECRET: Readonly<Record<string, readonly string[]>> = {
  'docker:index/container:Container': ['envs'],
}

/** Whether a path of a resource is one of the places, or inside one. */
export function isSecretPlace(type: string, path: string): boolean {
  return isIn(SECRET_PLACES, type, path)
}

/** Whether a value at a path is marked as secret even when it is none. */
export function isAlwaysMarked(type: string, path: string): boolean {
  return isIn(ALWAYS_MARKED, type, path)
}

/** Whether a secret value may stand at a path, though others do, too. */
export function mayBeSecret(type: string, path: string): boolean {
  return isIn(MAY_BE_SECRET, type, path)
}

function isIn(places: Readonly<Record<string, readonly string[]>>, type: string, path: string): boolean {
  const [property = ''] = path.split(/[.[]/)
  return (places[type] ?? []).includes(property)
}

export { type AffectedFlow, affectedFlows, type Difference } from './affected.ts'
export { type Bundle, bundleFlow, bundleFlows } from './bundle/bundle-flow.ts'
export { type BundleManifest, bundleManifest, bundleManifestOf } from './bundle/bundle-manifest.ts'
export { writeBundle } from './bundle/write-bundle.ts'
export { catalogueHtml } from './catalogue/html.ts'
export { catalogueMarkdown } from './catalogue/markdown.ts'
export { type Checkout, withCheckout } from './checkout.ts'
export { cron, cronFault } from './cron.ts'
export { type AssembledImage, type AssembleOptions, assembleImages } from './images/assemble.ts'
export { buildImage, dockerVersion, imageTag } from './images/docker.ts'
export { BASE_IMAGE, type ImageSpec, imageName, imageOf, PLATFORM_IMAGES } from './images/image.ts'
export { type ImageOptions, type ImagePlan, imagePlanner } from './images/plan-image.ts'
export { type ImageToPublish, publishImage, RELEASE_TAG, releaseTag } from './images/publish-image.ts'
export { digestInRegistry } from './images/registry.ts'
export { CLOUD_SYSTEM, type ImageSystem, systemHere } from './images/system.ts'
export { type FlowManifest, flowManifest, LAUNCHERS } from './manifest.ts'
export { manifestOf } from './manifest-of.ts'
export { readManifests } from './read-manifests.ts'
export { author } from './records/author.ts'
export {
  compareDeployments,
  compareFields,
  type DeploymentChange,
  type FieldChange,
} from './records/compare-releases.ts'
export { type Deployed, type DeployRequest, deploy, planDeploy } from './records/deploy.ts'
export { type Deployment, deployment, deploymentOf, type StackPart, type StackWord } from './records/deployment.ts'
export { type Effective, type EffectiveDeployment, effectiveDeployments } from './records/effective.ts'
export { releaseCommit } from './records/git.ts'
export { releasePath, UP_PATH, upText } from './records/layout.ts'
export { localBundles, localRecords } from './records/local.ts'
export { type Act, recordUp } from './records/make-move.ts'
export type { BranchDeployment, Move } from './records/move.ts'
export { type Pause, pausedNames, pauseSchedule, readPause, resumeSchedule } from './records/pauses.ts'
export { bundlePath, putBundle } from './records/put-bundle.ts'
export { findReleaseId, listReleases, readRelease } from './records/read-releases.ts'
export {
  type CommitFacts,
  type Release,
  type ReleaseParts,
  recordText,
  release,
  releaseId,
  releaseRecord,
} from './records/release.ts'
export { planRollback, type Rollback, rollback } from './records/rollback.ts'
export { type SecretVersionState, type SecretVersions, secretManager } from './records/secret-versions.ts'
export { type StackSettings, stackSettings } from './records/stack-settings.ts'
export { moves, readState, type State } from './records/state.ts'
export { undeploy } from './records/undeploy.ts'
export { type Rotation, rotateSecret } from './rotate-secret.ts'
export { type SecretFault, secretFaults } from './secret-faults.ts'
export { secretName } from './secret-name.ts'
export { type SecretUse, secretUses } from './secret-uses.ts'
export { type SecretValues, secretValueFaults, secretValues, type VersionsWithValues } from './secret-values.ts'
export { keptVersions, type SecretConfig, type SecretsConfig, secretsConfig } from './secrets-config.ts'
export { findStackFile, readStackFile, type StackFile, type StackPath, stackNames } from './stack-file.ts'
export { stackSecrets } from './stack-secrets.ts'
export { timezone, timezoneFault } from './timezone.ts'

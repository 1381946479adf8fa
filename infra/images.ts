import {
  type Bundle,
  CLOUD_SYSTEM,
  type ImagePlan,
  type ImageSpec,
  imagePlanner,
  PLATFORM_IMAGES,
  releaseTag,
} from '@millrace/release'
import type { PlannedImage } from './components/flow-images.ts'

/**
 * Plans the images of a stack: those of the platform, but for those that are held, and one for each flow. It only reads;
 * of packages it reads package-lock.json, so that the plan is the same on every machine.
 * @param bundles of the flows
 * @throws UserError when a program asks for something that is not there
 */
export async function planImages(
  root: string,
  bundles: Promise<readonly Bundle[]>,
  held: readonly string[],
): Promise<PlannedImage[]> {
  const plan = imagePlanner({
    root,
    system: { ...CLOUD_SYSTEM, isHere: false },
    bundle: async (flow) => bundleOf(await bundles, flow),
  })
  const platform: ImageSpec[] = PLATFORM_IMAGES.filter((name) => !held.includes(name))
  const first = Promise.all(platform.map(plan))
  // Whichever fails first is the mistake that is shown.
  const flows = bundles.then((all) => Promise.all(all.map(({ flow }) => plan({ flow }))))
  const [ofPlatform, ofFlows] = await Promise.all([first, flows])
  return [...ofPlatform, ...ofFlows].map(planned)
}

function planned(plan: ImagePlan): PlannedImage {
  const { name, base } = plan
  return { name, tag: releaseTag(plan), ...(typeof base !== 'string' && { base: base.name }) }
}

function bundleOf(bundles: readonly Bundle[], flow: string): Bundle {
  const found = bundles.find((each) => each.flow === flow)
  if (!found) throw new Error(`there is no bundle of ${flow}`)
  return found
}

import { type Bundle, type ImagePlan, imagePlanner, PLATFORM_IMAGES, systemHere } from '@millrace/release'
import type { PlannedImage } from '../components/flow-images.ts'

/** What images of a stack of containers are made for. */
export interface LocalSystem {
  /** The image that the first of ours stand on. */
  readonly base: string
  readonly processor: 'x64' | 'arm64'
}

/**
 * The images of the platform, and one for each flow, called as `millrace image build --local` calls them. It only reads;
 * packages are those of package-lock.json, whether they are installed here or not.
 * @throws UserError when a program asks for something that is not there
 */
export async function planLocalImages(
  root: string,
  bundles: Promise<readonly Bundle[]>,
  { base, processor }: LocalSystem,
): Promise<PlannedImage[]> {
  const plan = imagePlanner({
    root,
    base,
    system: { cpu: processor, isHere: false },
    bundle: async (flow) => bundleOf(await bundles, flow),
  })
  const platform = Promise.all(PLATFORM_IMAGES.map(plan))
  const flows = bundles.then((all) => Promise.all(all.map(({ flow }) => plan({ flow }))))
  const [ofPlatform, ofFlows] = await Promise.all([platform, flows])
  return [...ofPlatform, ...ofFlows].map(planned)
}

/** The processor of the engine's machine, where nobody says: in most cases it is this one. */
export function processorHere(): 'x64' | 'arm64' {
  return systemHere().cpu
}

function planned({ name, hash, base }: ImagePlan): PlannedImage {
  return { name, tag: hash, ...(typeof base !== 'string' && { base: base.name }) }
}

function bundleOf(bundles: readonly Bundle[], flow: string): Bundle {
  const found = bundles.find((each) => each.flow === flow)
  if (!found) throw new Error(`there is no bundle of ${flow}`)
  return found
}

import { root } from './project.ts'

/** Who does something here, as others will read it. Loaded when it is asked for: most commands only look. */
export async function person(): Promise<string> {
  const { author } = await import('@millrace/release')
  return await author(root)
}

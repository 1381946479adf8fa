import { expect, it } from 'vitest'
import { branchSlug } from '../../../../platform/release/records/branch-slug.ts'

const none = new Map<string, string>()

it.each([
  ['feature/x', 'feature-x'],
  ['Fix_The/Thing.2', 'fix-the-thing-2'],
  ['--x--', 'x'],
])('writes the branch %s as %s', (branch, slug) => {
  expect(branchSlug(branch, none)).toBe(slug)
})

it('tells branches apart that would be written alike, and lets each keep what it has', () => {
  const taken = new Map([['feature-x', 'feature/x']])
  const other = branchSlug('feature-x', taken)
  expect(other).toMatch(/^feature-x-[0-9a-f]{6}$/)
  taken.set(other, 'feature-x')
  expect(branchSlug('Feature/X', taken)).toMatch(/^feature-x-[0-9a-f]{6}$/)
  expect(branchSlug('Feature/X', taken)).not.toBe(other)
  expect(branchSlug('feature/x', taken)).toBe('feature-x')
  taken.delete('feature-x')
  expect(branchSlug('feature-x', taken)).toBe(other)
})

it('keeps long ones short, and names those that have no letters', () => {
  const long = 'dependabot/npm_and_yarn/platform/google-cloud-storage'
  const [a, b] = [branchSlug(`${long}-8.4.0`, none), branchSlug(`${long}-8.4.1`, none)]
  expect(a).not.toBe(b)
  for (const slug of [a, b, branchSlug('水', none)]) expect(slug).toMatch(/^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/)
})

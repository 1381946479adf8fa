/** What a bundle says of itself in its first line; with the code it is what the digest is made of. */
export interface BundleHeader {
  readonly flow: string
  /** Packages that must be installed where it runs, with their versions. */
  readonly needs: Readonly<Record<string, string>>
  /** SHA-256 of each file that it may read, by the file's path in the project. */
  readonly assets: Readonly<Record<string, string>>
}

/** The first line of a bundle: a comment that the engine reads (engine/bundle-source.ts). */
export function headerLine({ flow, needs, assets }: BundleHeader): string {
  return `// millrace bundle 1 ${JSON.stringify({ flow, needs: sorted(needs), assets: sorted(assets) })}`
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

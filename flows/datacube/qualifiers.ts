/** Feature to the qualifiers it is split by. */
export type QualifierMap = Readonly<Record<string, readonly string[]>>

/** Feature to how many values each qualifier has there. */
export type QualifierCounts = Readonly<Record<string, Readonly<Record<string, number>>>>

/**
 * Leaves out qualifiers with more than `maxCount` values in a feature, those the data does not have,
 * and features that are not in the data.
 */
export function limitQualifiers(map: QualifierMap, counts: QualifierCounts, maxCount: number): QualifierMap {
  return Object.fromEntries(
    Object.entries(map).flatMap(([feature, qualifiers]) => {
      const known = Object.hasOwn(counts, feature) ? counts[feature] : undefined
      if (!known) return []
      const isSmall = (name: string): boolean => Object.hasOwn(known, name) && (known[name] ?? 0) <= maxCount
      return [[feature, qualifiers.filter(isSmall)]]
    }),
  )
}

/** Those of `columns` that any feature is split by, in their order. */
export function usedQualifiers(map: QualifierMap, columns: readonly string[]): string[] {
  const used = new Set(Object.values(map).flat())
  return columns.filter((column) => used.has(column))
}

/** Those of `features` that are split by a qualifier. */
export function featuresSplitBy(map: QualifierMap, qualifier: string, features: readonly string[]): string[] {
  return features.filter((feature) => Object.hasOwn(map, feature) && map[feature]?.includes(qualifier))
}

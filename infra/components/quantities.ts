const MIB = 2 ** 20

/** Processors as containers ask for them: `2`, `500m`. */
export function cpuQuantity(cpu: number): string {
  return Number.isInteger(cpu) ? String(cpu) : `${Math.round(cpu * 1000)}m`
}

/** @param bytes @returns memory as containers ask for it: `512Mi` */
export function memoryQuantity(bytes: number): string {
  return `${Math.ceil(bytes / MIB)}Mi`
}

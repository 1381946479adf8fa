import type { PlannedResource } from '../plan/planned-resource.ts'

/** What of Docker's provider takes labels, as a list of `{ label, value }`. */
const LABELLED = [
  'docker:index/container:Container',
  'docker:index/network:Network',
  'docker:index/volume:Volume',
] as const

export const takesDockerLabels = ({ type }: PlannedResource): boolean => LABELLED.some((each) => each === type)

export const isDockerContainer = ({ type }: PlannedResource): boolean => type === 'docker:index/container:Container'

import { describe } from 'vitest'
import { executorConformance } from './executors.conformance.ts'

describe('the cluster executor', () => executorConformance('cluster'))

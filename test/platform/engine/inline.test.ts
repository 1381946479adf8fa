import { describe } from 'vitest'
import { executorConformance } from './executors.conformance.ts'

describe('the inline executor', () => executorConformance('inline'))

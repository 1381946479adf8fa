import { describe } from 'vitest'
import { executorConformance } from './executors.conformance.ts'

describe('the threads executor', () => executorConformance('threads'))

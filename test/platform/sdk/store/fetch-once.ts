import { fetchToFile } from '../../../../platform/sdk/index.ts'
import { watchMemory } from './memory-peak.ts'

// Fetches one input, and prints the most memory that this took.
const [input = '', folder = ''] = process.argv.slice(2)
const mostMemory = watchMemory()
await fetchToFile(input, folder)
console.log(mostMemory())

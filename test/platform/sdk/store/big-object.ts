import { store } from '../../../../platform/sdk/index.ts'
import { watchMemory } from './memory-peak.ts'

// Writes and reads an object of some megabytes, and prints the most memory that this took.
const [url = '', megabytes = '1'] = process.argv.slice(2)
const mostMemory = watchMemory()

async function* zeros(): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < Number(megabytes); index++) {
    mostMemory()
    yield Buffer.alloc(2 ** 20)
  }
}

const here = store(url)
await here.write('big.bin', zeros())
let read = 0
for await (const piece of here.stream('big.bin')) {
  read += piece.length
  mostMemory()
}
await here.remove('big.bin')
console.log(JSON.stringify({ read, mostMemory: mostMemory() }))

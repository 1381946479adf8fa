/**
 * The lines of an object, one by one: it may be larger than memory.
 * @param heard is told how many bytes were read so far
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
  heard: (bytes: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let [rest, bytes] = ['', 0]
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/)
    rest = lines.pop() ?? ''
    yield* lines
    bytes += piece.length
    heard(bytes)
  }
  if (rest !== '') yield rest
}

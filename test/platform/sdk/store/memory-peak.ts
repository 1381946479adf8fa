/**
 * Watches the memory of this process. Not the system's own peak: that starts at what the process that started this
 * one had.
 * @returns a function that gives the most bytes seen
 */
export function watchMemory(): () => number {
  let most = 0
  const look = (): number => {
    most = Math.max(most, process.memoryUsage.rss())
    return most
  }
  setInterval(look, 2).unref()
  return look
}

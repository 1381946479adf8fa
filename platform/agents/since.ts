/**
 * How long something has been so, as one process sees it. Times are by the database's clock, in milliseconds. Who does not
 * look for a while begins anew: nobody knows what happened in the meantime.
 */
export class Since {
  private readonly gap: number
  private began: number | undefined
  private last: number | undefined

  /** @param gap longest time (ms) between two looks */
  constructor(gap: number) {
    this.gap = gap
  }

  /** @param isSo now @returns how long it has been so; 0 where it is not */
  look(now: number, isSo: boolean): number {
    const isGap = this.last === undefined || now - this.last > this.gap || now < this.last
    this.last = now
    if (!isSo) this.began = undefined
    else if (this.began === undefined || isGap) this.began = now
    return this.began === undefined ? 0 : now - this.began
  }
}

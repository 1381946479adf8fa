import type { Served } from './serve.ts'

/** What a fake of an object store lets a test see and do that the real one does not. */
export interface ObjectStoreFake extends Served {
  /** Objects of a bucket, by name. */
  objects(bucket: string): Map<string, Buffer>
  /** Answers the next `count` requests that write with this status. */
  failWrites(count: number, status: number): void
  /** Does what the next `count` requests that write ask for, and breaks the connection before the answer. */
  loseWriteAnswers(count: number): void
  /** Uploads in parts that were begun and neither ended nor given up. */
  unfinishedUploads(): number
}

import { type ReleaseParts, recordText, releaseId, releaseRecord } from '@millrace/release'

/** The record of what an `up` deploys, and its id. Its time is the commit's, so that the same release has the same id. */
export function releaseText({ commit, ...parts }: Omit<ReleaseParts, 'madeBy'>): { id: string; text: string } {
  const record = releaseRecord({ ...parts, madeBy: 'up', commit })
  return { id: releaseId(record, new Date(commit?.time ?? 0)), text: recordText(record) }
}

import { UnavailableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { isRecord, parsedRecord } from './decode.ts'
import { commitPath } from './log-names.ts'
import type { TableLog } from './table-log.ts'

/** The put failed, and so did looking whether our entry is in the log: it may be. */
export class UncertainCommitError extends UnavailableError {}

/** Puts an entry under its version: true when ours is in the log, false when that of another is. */
export async function putEntry(log: TableLog, version: bigint, content: Uint8Array, txnId: string): Promise<boolean> {
  failpoint('commit-before-link')
  const created = await putOnce(log, version, content, txnId)
  if (created) failpoint('commit-after-link')
  return created
}

async function putOnce(log: TableLog, version: bigint, content: Uint8Array, txnId: string): Promise<boolean> {
  try {
    const answer = await log.blobs.putIfAbsent(commitPath(version), content)
    // A storage that retries by itself may tell `exists` of what its own first try made.
    return answer === 'created' || (await ownerOf(log, version, txnId)) === 'we'
  } catch (error) {
    // After a lost answer the commit may be there although we never heard, or another took the version meanwhile.
    const owner = error instanceof UncertainCommitError ? 'nobody' : await ownerOf(log, version, txnId, error)
    if (owner === 'nobody') throw error
    return owner === 'we'
  }
}

async function ownerOf(log: TableLog, version: bigint, txnId: string, failure?: unknown): Promise<'we' | 'another' | 'nobody'> {
  try {
    const content = await log.blobs.read(commitPath(version))
    if (content === undefined) return 'nobody'
    const end = content.indexOf(0x0a)
    const info = parsedRecord(new TextDecoder().decode(end < 0 ? content : content.subarray(0, end)))?.['commitInfo']
    return isRecord(info) && info['txnId'] === txnId ? 'we' : 'another'
  } catch (error) {
    throw new UncertainCommitError('ING-STORAGE', `${log.name}: it is not known whether version ${version} was written`, {
      cause: failure ?? error,
    })
  }
}

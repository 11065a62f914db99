import type { UnsupportedKey } from '../../model/table.ts'
import type { Location } from '../paths.ts'
import { unsupportedSourceTable } from '../unsupported.ts'
import { complain, type Desk, type TableDraft } from './draft.ts'

/** Keys of `watch` that the place of the source has no use for. */
export function checkSourceWatch(draft: TableDraft, source: Location | undefined, desk: Desk): void {
  const { mode, notifications } = draft.input.watch
  if (source === undefined || draft.bad.has('watch')) return
  const told: Told = (key, problem, fix) => complain(desk, draft, ['watch', key], { problem, fix, code: 'ING-CONFIG-COMBINATION' })
  if (source.kind === 'remote' && mode === 'watch') told('mode', 'a bucket cannot be watched', 'remove it, or add watch.notifications')
  if (notifications.sqs === null && notifications.storage_queue === null) return
  if (source.kind === 'local') told('notifications', 'a folder of this machine has no queue', 'remove it: the folder is watched')
  else checkQueue(draft.input.watch, source, told)
}

type Told = (key: string, problem: string, fix: string) => void
type WatchInput = TableDraft['input']['watch']

function checkQueue({ mode, cron, notifications }: WatchInput, source: Extract<Location, { kind: 'remote' }>, told: Told): void {
  const isS3 = source.object?.scheme === 's3' || source.object?.scheme === 'gs'
  const [url, other] = isS3 ? [notifications.sqs, notifications.storage_queue] : [notifications.storage_queue, notifications.sqs]
  const example = isS3 ? 'https://sqs.REGION.amazonaws.com/ACCOUNT/NAME' : 'https://ACCOUNT.queue.core.windows.net/NAME'
  if (mode === 'cron' || cron !== null)
    told('notifications', 'a source that is listed by schedule needs no queue', 'remove cron or notifications')
  if (url === null || other !== null) {
    const kind = isS3 ? 'sqs' : 'storage_queue'
    told('notifications', `the events of ${isS3 ? 'S3' : 'Azure'} go to ${kind}`, `write {${kind}: ${example}}`)
  } else if (!/^https?:\/\/[^/?#@]+\/[^?#]+$/.test(url)) told('notifications', 'is no URL of a queue', `write ${example}`)
}

/** A Delta table is read where it lies, and that is a local folder. */
export function unsupportedSource(
  draft: TableDraft,
  source: Location | undefined,
  format: string | undefined,
  desk: Desk,
): readonly UnsupportedKey[] {
  if (source?.kind !== 'remote' || format !== 'delta') return []
  return [unsupportedSourceTable(desk.places.at([...draft.at, 'file_format']).key)]
}

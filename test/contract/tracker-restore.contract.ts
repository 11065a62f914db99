import { expect, test } from 'vitest'
import type { Batch } from '../../src/model/batch.ts'
import type { RestoredFile } from '../../src/model/restore.ts'
import type { AdoptedRestore, Tracker } from '../../src/tracker/tracker.ts'
import { describeTracker, type Harness, load, manifest, movesOf, OWNER, seen, statusOf, TABLE } from './tracker.support.ts'

/** What every tracker does with a restore that is in the log. */
export function trackerRestoreContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: restores`, make, (tracker) => {
    movingTests(tracker)
    changedTests(tracker)
    batchTests(tracker)
  })
}

const A = seen('/in/a.csv')
const B = seen('/in/b.csv')
/** Other content at the path of A. */
const A2 = seen('/in/a.csv', { size: 200n })

function undone(file: typeof A, loaded: RestoredFile['loaded'] = null): RestoredFile {
  return { path: file.path, undone: file.version, loaded }
}

function loadedBy(file: typeof A, batch: Batch): NonNullable<RestoredFile['loaded']> {
  const rows = { read: 7n, loaded: 7n, rejected: 0n, filtered: 0n, deduplicated: 0n }
  return { ...file, unit: file.path, rows, batchId: batch.id }
}

function restoreOf(
  batch: Pick<Batch, 'id' | 'number'>,
  files: readonly RestoredFile[],
  later: 'pending' | 'skipped' = 'pending',
): AdoptedRestore {
  const restore = { version: 3n, batch: null, files: later }
  return { manifest: { ...manifest(batch.id, batch.number, []), format: 2, restore }, version: 9n, files }
}

const REASON = 'the table was restored to version 3'

function movingTests(tracker: () => Tracker): void {
  test('files that were loaded later become pending or skipped, with the reason in their history', async () => {
    await load(tracker(), [A], 0n)
    await load(tracker(), [B], 1n)
    const first = await tracker().claimEmpty(TABLE, OWNER, null)
    expect(await tracker().adoptRestore(restoreOf(first, [undone(B)]), 'ignore')).toEqual({ undone: 1, completed: 0 })
    expect(await statusOf(tracker(), A.path)).toBe('completed')
    expect(await tracker().file(TABLE, B.path)).toMatchObject({
      status: 'pending',
      status_reason: REASON,
      rows_loaded: null,
      batch_id: null,
      table_version: null,
    })
    expect((await movesOf(tracker(), B.path)).at(-1)).toBe(`completed>pending ${REASON}`)
    const second = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(second, [undone(A)], 'skipped'), 'ignore')
    expect((await movesOf(tracker(), A.path)).at(-1)).toBe(`completed>skipped ${REASON}`)
  })

  test('files whose rows came back are completed by the batch that loaded them', async () => {
    const batch = await load(tracker(), [A, B], 4n)
    const away = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(away, [undone(A), undone(B)], 'skipped'), 'ignore')
    const again = await tracker().claimEmpty(TABLE, OWNER, null)
    const files = [A, B].map((file) => ({ path: file.path, undone: null, loaded: loadedBy(file, batch) }))
    expect(await tracker().adoptRestore(restoreOf(again, files), 'ignore')).toEqual({ undone: 0, completed: 2 })
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'completed', batch_id: batch.id, table_version: 4, rows_loaded: 7 })
    expect((await movesOf(tracker(), A.path)).at(-1)).toBe(`skipped>completed ${REASON}`)
  })

  test('mended rows count as loaded, once, while the file is the one that they came from', async () => {
    const batch = await load(tracker(), [A, B], 0n)
    const file = (path: string, version: string) => ({
      ...{ path, version, batchId: batch.id },
      rows: { read: 3n, loaded: 1n, rejected: 1n, filtered: 1n, deduplicated: 0n },
    })
    const mended = { ...manifest('mended', 2n, [], 1n), format: 2 as const }
    const resubmit = { ids: ['t/1-1'], files: [file(A.path, A.version), file(B.path, 'another version')] }
    expect(await tracker().adoptManifest({ ...mended, resubmit }, 1n)).toBe(true)
    expect(await tracker().adoptManifest({ ...mended, resubmit }, 1n)).toBe(false)
    expect(await tracker().file(TABLE, A.path)).toMatchObject({
      ...{ status: 'completed', batch_id: batch.id, table_version: 0 },
      ...{ rows_read: 13, rows_loaded: 11, rows_rejected: -1, rows_filtered: 2, rows_deduplicated: 1 },
    })
    expect(await tracker().file(TABLE, B.path)).toMatchObject({ rows_loaded: 10, rows_rejected: 1 })
    expect((await movesOf(tracker(), A.path)).at(-1)).toBe(
      'completed>completed 2 of 3 rows that were resubmitted are taken out of quarantine',
    )
    expect((await tracker().batches(TABLE, 1))[0]).toMatchObject({ batch_id: 'mended', status: 'committed', rows_loaded: 2 })
  })

  test('a restore that undoes mended rows counts them as rejected again', async () => {
    const batch = await load(tracker(), [A], 0n)
    const rows = { read: 10n, loaded: 6n, rejected: 4n, filtered: 0n, deduplicated: 0n }
    const away = await tracker().claimEmpty(TABLE, OWNER, null)
    const loaded = { ...loadedBy(A, batch), rows }
    await tracker().adoptRestore(restoreOf(away, [{ path: A.path, undone: null, loaded }]), 'ignore')
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'completed', rows_loaded: 6, rows_rejected: 4 })
  })

  test('a note is in the history of completed files of its version alone', async () => {
    await load(tracker(), [A], 0n)
    const note = (version: string) => tracker().noteFiles(TABLE, [{ path: A.path, version, reason: '2 rows discarded' }])
    await note('another version')
    expect(await movesOf(tracker(), A.path)).toHaveLength(3)
    await note(A.version)
    expect((await movesOf(tracker(), A.path)).slice(3)).toEqual(['completed>completed 2 rows discarded'])
  })

  test('a file that is not completed, and one that the tracker lacks, stay as they are', async () => {
    await load(tracker(), [A], 0n)
    await tracker().admit(TABLE, [B], 'load')
    const batch = await tracker().claimEmpty(TABLE, OWNER, null)
    const files = [undone(B), undone(seen('/in/never.csv'))]
    expect(await tracker().adoptRestore(restoreOf(batch, files, 'skipped'), 'load')).toEqual({ undone: 0, completed: 0 })
    expect(await statusOf(tracker(), B.path)).toBe('pending')
  })
}

function changedTests(tracker: () => Tracker): void {
  async function twoContents(): Promise<Batch> {
    const first = await load(tracker(), [A], 0n)
    await load(tracker(), [A2], 1n)
    return first
  }

  test('where new content is loaded, the newer content of the path waits', async () => {
    const first = await twoContents()
    const batch = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(batch, [undone(A2, loadedBy(A, first))]), 'load')
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'pending', file_version: A2.version })
  })

  test('where it is not, the path stands for the content that the table holds', async () => {
    const first = await twoContents()
    const batch = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(batch, [undone(A2, loadedBy(A, first))]), 'ignore')
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'completed', file_version: A.version, batch_id: first.id })
  })

  test('new content that waits goes on waiting when the old one comes back', async () => {
    const first = await load(tracker(), [A], 0n)
    const away = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(away, [undone(A)]), 'load')
    await tracker().admit(TABLE, [A2], 'load')
    const again = await tracker().claimEmpty(TABLE, OWNER, null)
    await tracker().adoptRestore(restoreOf(again, [{ path: A.path, undone: null, loaded: loadedBy(A, first) }]), 'load')
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'pending', file_version: A2.version })
  })

  test('a path that was loaded twice with the same content stays completed, by the load that is in force', async () => {
    const first = await load(tracker(), [A], 0n)
    await tracker().replay(TABLE, null, 'full drop')
    await load(tracker(), [A], 1n)
    const batch = await tracker().claimEmpty(TABLE, OWNER, null)
    expect(await tracker().adoptRestore(restoreOf(batch, [undone(A, loadedBy(A, first))]), 'load')).toEqual({ undone: 0, completed: 1 })
    expect(await tracker().file(TABLE, A.path)).toMatchObject({ status: 'completed', batch_id: first.id })
  })
}

function batchTests(tracker: () => Tracker): void {
  test('a restore has a number of its own above all others, and is settled once', async () => {
    const loaded = await load(tracker(), [A], 0n)
    const batch = await tracker().claimEmpty(TABLE, OWNER, 7n)
    expect(batch).toMatchObject({ number: 8n, files: [] })
    expect(loaded.number).toBe(1n)
    expect(await tracker().adoptRestore(restoreOf(batch, [undone(A)]), 'load')).toEqual({ undone: 1, completed: 0 })
    expect(await tracker().adoptRestore(restoreOf(batch, [undone(A)]), 'load')).toBeUndefined()
    expect(await tracker().lastCommittedBatch(TABLE)).toBe(8n)
    expect((await tracker().batches(TABLE, 1))[0]).toMatchObject({ batch_number: 8, status: 'committed', table_version: 9, files: 0 })
  })

  test('one that the tracker never claimed is adopted from the log', async () => {
    await load(tracker(), [A], 0n)
    const restore = restoreOf({ id: 'another', number: 5n }, [undone(A)], 'skipped')
    expect(await tracker().adoptRestore(restore, 'load')).toEqual({ undone: 1, completed: 0 })
    expect(await tracker().lastCommittedBatch(TABLE)).toBe(5n)
  })

  test('one whose process died before its commit is abandoned, and ends without a trace', async () => {
    await load(tracker(), [A], 0n)
    const batch = await tracker().claimEmpty(TABLE, OWNER, null)
    expect(await tracker().abandoned(TABLE, () => false)).toMatchObject([{ id: batch.id, files: [] }])
    expect(await tracker().abandoned(TABLE, () => true)).toEqual([])
  })
}

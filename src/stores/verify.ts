import type { Blobs } from '../blobs/blobs.ts'
import { integerOf, parsedRecord } from '../delta/decode.ts'
import { checksumPath } from '../delta/log-names.ts'
import { forgetQueries } from '../delta/query-parts.ts'
import { removedTwice } from '../delta/removed-twice.ts'
import { Snapshot } from '../delta/snapshot.ts'
import { verifyLog } from '../delta/verify-log.ts'
import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import { IngestError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { DamageFound } from '../model/verification.ts'
import type { StoreDeps } from './deps.ts'
import type { StoreVerification } from './store.ts'
import { type VerifiedBatches, verifyBatches } from './verify-batches.ts'
import { verifyFiles } from './verify-files.ts'

/** Looks at a table whatever is wrong with it; each damage is a finding, none is an error. */
export async function verifyDeltaTable(
  table: TableConfig,
  appId: string | null,
  session: Session,
  deps: Pick<StoreDeps, 'blobs'>,
): Promise<StoreVerification> {
  const blobs = await deps.blobs(table.targetPath)
  const log = await verifyLog({ blobs, session })
  const about = { commits: log.commits, checkpoints: log.checkpoints }
  const nothing = { dataFiles: 0, rows: 0n, lastBatch: null, trackerProperty: null, manifests: null, batches: 0 }
  const opened = await open(table, blobs, session)
  if ('damage' in opened) return { ...nothing, ...about, version: null, found: [...log.found, opened] }
  const { snapshot } = opened
  if (snapshot === undefined) return { ...nothing, ...about, version: null, found: log.found }
  const io = { name: table.name, blobs, session }
  try {
    const { version, txns, metadata } = snapshot.state
    const lastBatch = appId === null ? null : (txns.get(appId)?.version ?? null)
    const batches = appId === null ? NO_BATCHES : await verifyBatches(lastBatch, log, blobs)
    const files = await verifyFiles(await snapshot.files(), io)
    const found = [
      ...log.found,
      ...(log.found.length === 0 ? await doubled(io) : []),
      ...(await verifyChecksum(snapshot, blobs, session)),
      ...batches.found,
      ...files.found,
    ]
    const trackerProperty = metadata.configuration['ingestd.tracker'] ?? null
    const chain = { lastBatch, trackerProperty, batches: batches.manifests.size, manifests: batches.isWhole ? batches.manifests : null }
    return { ...about, version, dataFiles: files.dataFiles, rows: files.rows, ...chain, found }
  } finally {
    await forgetQueries(io)
    await snapshot.close()
  }
}

const NO_BATCHES: VerifiedBatches = { found: [], manifests: new Map(), isWhole: true }

async function open(
  table: TableConfig,
  blobs: Blobs,
  session: Session,
): Promise<DamageFound | { readonly snapshot: Snapshot | undefined }> {
  try {
    const snapshot = await Snapshot.open(table.name, blobs, session, { gate: 'read' })
    await snapshot?.files()
    return { snapshot }
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { damage: 'log_unreadable', file: null, version: null, detail: error.message }
  }
}

async function doubled(io: { readonly blobs: Blobs; readonly session: Session }): Promise<readonly DamageFound[]> {
  return (await removedTwice(io)).map(({ version, files, operation, engine }) => {
    const what = [operation, engine === null ? '' : `by ${engine}`].filter(Boolean).join(' ')
    const detail = `version ${version}${what === '' ? '' : ` (${what})`} replaced ${files} files that had been replaced before: their rows are there twice`
    return { damage: 'removed_twice', file: null, version, detail }
  })
}

/** What the newest version says that it adds up to; readers take it for true. */
async function verifyChecksum(snapshot: Snapshot, blobs: Blobs, session: Session): Promise<readonly DamageFound[]> {
  const { version } = snapshot.state
  const content = await blobs.read(checksumPath(version))
  if (content === undefined) return []
  const told = parsedRecord(new TextDecoder().decode(content))
  const [row] = await session.rows(
    sql`select count(*) as files, coalesce(sum("add".size), 0)::bigint as bytes from ${await snapshot.files()}`,
  )
  const [files, bytes] = [integerOf(row?.['files']), integerOf(row?.['bytes'])]
  if (integerOf(told?.['numFiles']) === files && integerOf(told?.['tableSizeBytes']) === bytes) return []
  const detail = `it does not say what the version adds up to: ${files} files of ${bytes} bytes`
  return [{ damage: 'checksum_differs', file: checksumPath(version), version, detail }]
}

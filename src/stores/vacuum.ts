import { commitEntry } from '../delta/commit.ts'
import type { Operation } from '../delta/commit-content.ts'
import { integerOf, textOf } from '../delta/decode.ts'
import { intervalText, parseRetention } from '../delta/interval.ts'
import { jsonText } from '../delta/json.ts'
import type { LogState } from '../delta/snapshot.ts'
import { id, literal, type Sql, sql } from '../engine/sql.ts'
import { ConflictError, TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type FileCounts, NO_FILE_COUNTS, type VacuumRequest, type VacuumResult } from '../model/maintenance.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { checkTracker } from './table-content.ts'
import { oldFiles } from './vacuum-candidates.ts'
import { Protected } from './vacuum-protected.ts'

const RETENTION = 'delta.deletedFileRetentionDuration'
/** Paths that a report names. */
const NAMED = 1000
/** Files that are deleted between two looks at the log. */
const PAGE = 500
/** Files that are deleted at the same time. */
const LANES = 8

/**
 * Deletes files that no version within the retention has. The folder is listed before the log is read, so that a file
 * that was committed meanwhile is known; and the log is read again before each page of files is deleted, since another
 * writer may bring an old file back (restore). Two entries of the log tell of it, as others write them.
 */
export async function vacuumTable(target: RewriteTarget, request: VacuumRequest): Promise<VacuumResult> {
  const { log, table, deps, keeps } = target
  if (log.state === undefined) return nothing(0, 'the table has no version yet')
  checkTracker(table, log.state, request.trackerId)
  const promisedMs = fileRetention(log.state, table.delta.fileRetentionMs)
  if (keeps === 'current files only') return nothing(promisedMs, 'superseded files are deleted after each commit (output_format: parquet)')
  checkUnderstood(table.name, log.state, promisedMs)
  const retentionMs = request.retentionMs ?? promisedMs
  if (!request.force) checkRetention(table.name, retentionMs, promisedMs)
  const cutoffMs = deps.clock.now() - retentionMs
  const candidates = id(log.session.temporaryName('vacuum_candidates'))
  const protectedFiles = new Protected(log, cutoffMs)
  try {
    const folders = await listCandidates(candidates, cutoffMs, target)
    await log.advance()
    await protectedFiles.fill()
    const doomed = sql`(select path, bytes from ${candidates} anti join ${protectedFiles.table} using (path))`
    const found = await countOf(doomed, target)
    const paths = await firstPaths(doomed, target)
    if (request.dryRun || found.files === 0) return { ...nothing(retentionMs, null), deleted: found, paths }
    const vacuum = { target, request, promisedMs, retentionMs, folders, doomed, protectedFiles, found }
    const { deleted, version } = await deleteAll(vacuum)
    return { version, deleted, paths, retentionMs, reason: null }
  } finally {
    await log.session.run(sql`drop table if exists ${candidates}`)
    await protectedFiles.close()
  }
}

/** The longer of what the table promises its readers and what the config says. */
function fileRetention({ metadata }: LogState, configuredMs: number): number {
  return Math.max(parseRetention(metadata.configuration[RETENTION], 0), configuredMs)
}

interface Vacuum {
  readonly target: RewriteTarget
  readonly request: VacuumRequest
  readonly promisedMs: number
  readonly retentionMs: number
  /** Folders that were looked through. */
  readonly folders: number
  /** Relation (path, bytes); it grows smaller as more is protected. */
  readonly doomed: Sql
  readonly protectedFiles: Protected
  readonly found: FileCounts
}

async function deleteAll(vacuum: Vacuum): Promise<{ readonly deleted: FileCounts; readonly version: bigint }> {
  const { target, folders } = vacuum
  await tell(target, startOf(vacuum))
  failpoint('vacuum-after-start')
  const deleted = { files: 0, bytes: 0n }
  try {
    for await (const page of doomedPages(vacuum)) {
      for (let index = 0; index < page.length; index += LANES)
        await Promise.all(page.slice(index, index + LANES).map(({ path }) => target.log.blobs.remove(path)))
      for (const { bytes } of page) {
        deleted.files += 1
        deleted.bytes += bytes
      }
      failpoint('vacuum-half-way')
    }
  } catch (error) {
    await tell(target, endOf('FAILED', deleted, folders)).catch(() => undefined) // The first error tells more.
    throw error
  }
  failpoint('vacuum-before-end')
  return { deleted, version: await tell(target, endOf('COMPLETED', deleted, folders)) }
}

/** Files to delete, page by page, each judged by the log as it is just then. */
async function* doomedPages({ target, doomed, protectedFiles }: Vacuum) {
  const { log } = target
  for (let last = ''; ; ) {
    await protectedFiles.addCommits(await log.advance())
    const rows = await log.session.rows(sql`select path, bytes from ${doomed} where path > ${last} order by path limit ${PAGE}`)
    if (rows.length === 0) return
    const page = rows.map((row) => ({ path: textOf(row['path']) ?? '', bytes: integerOf(row['bytes']) ?? 0n }))
    yield page
    last = page.at(-1)?.path ?? ''
  }
}

function startOf({ request, promisedMs, retentionMs, found }: Vacuum): Operation {
  return {
    name: 'VACUUM START',
    parameters: {
      retentionCheckEnabled: !request.force,
      defaultRetentionMillis: promisedMs,
      ...(request.retentionMs === null ? {} : { specifiedRetentionMillis: retentionMs }),
    },
    metrics: { numFilesToDelete: found.files, sizeOfDataToDelete: found.bytes },
    isBlindAppend: true,
  }
}

function endOf(status: 'COMPLETED' | 'FAILED', deleted: FileCounts, folders: number): Operation {
  return {
    name: 'VACUUM END',
    parameters: { status },
    metrics: { numDeletedFiles: deleted.files, numVacuumedDirectories: folders },
    isBlindAppend: true,
  }
}

/** An entry that changes nothing. */
async function tell({ log, deps }: RewriteTarget, operation: Operation): Promise<bigint> {
  const intent = {
    reads: { kind: 'nothing' },
    removes: { kind: 'nothing' },
    changesRows: false,
    changesMetadata: false,
    changesProtocol: false,
    partitionColumns: [],
  } as const
  const result = await commitEntry(log, { intent, contentOn: async () => ({ operation, adds: [], lines: [] }) }, deps)
  if (result.kind === 'committed') return result.version
  // The properties of the table may have changed, and with them the retention.
  throw new ConflictError('ING-TABLE-CONFLICT', `${log.name}: another writer changed the table meanwhile: ${result.reason}`, {
    hint: 'run it again',
  })
}

function checkUnderstood(name: string, { metadata }: LogState, promisedMs: number): void {
  if (Number.isFinite(promisedMs)) return
  throw new TableError(
    'ING-TABLE-RETENTION',
    `${name}: how long files are kept is not understood: ${RETENTION} is '${metadata.configuration[RETENTION] ?? ''}'`,
    { hint: `set ${RETENTION} to weeks, days or hours, as in 'interval 7 days'` },
  )
}

function checkRetention(name: string, retentionMs: number, promisedMs: number): void {
  if (retentionMs >= promisedMs) return
  throw new TableError(
    'ING-TABLE-RETENTION',
    `${name}: files are kept for ${spoken(promisedMs)}, and would be deleted after ${spoken(retentionMs)}: readers and writers that are at work may lose theirs`,
    { hint: 'leave --retention out, or add --force when nothing else is at work on the table' },
  )
}

/** `7 days` */
function spoken(ms: number): string {
  return intervalText(ms).replace(/^interval (1 \w+)s$|^interval /, '$1')
}

/** Fills a table (path, bytes) with old files of the folder; the number of folders. */
async function listCandidates(candidates: Sql, cutoffMs: number, { log }: RewriteTarget): Promise<number> {
  const { session, blobs, state } = log
  await session.run(sql`create temp table ${candidates} (path varchar, bytes bigint)`)
  let folders = 0
  for await (const { files } of oldFiles('', { blobs, cutoffMs, partitionColumns: state?.metadata.partitionColumns ?? [] })) {
    folders += 1
    for (let index = 0; index < files.length; index += NAMED) {
      const page = files.slice(index, index + NAMED).map(({ path, size }) => ({ path, bytes: size }))
      await session.run(
        sql`insert into ${candidates} select unnest(${literal(jsonText(page))}::json::struct(path varchar, bytes bigint)[], recursive := true)`,
      )
    }
  }
  return folders
}

async function countOf(files: Sql, { log }: RewriteTarget): Promise<FileCounts> {
  const [row] = await log.session.rows(sql`select count(*) as files, coalesce(sum(bytes), 0)::bigint as bytes from ${files}`)
  return { files: Number(integerOf(row?.['files']) ?? 0n), bytes: integerOf(row?.['bytes']) ?? 0n }
}

async function firstPaths(files: Sql, { log }: RewriteTarget): Promise<readonly string[]> {
  return (await log.session.rows(sql`select path from ${files} order by path limit ${NAMED}`)).map((row) => textOf(row['path']) ?? '')
}

function nothing(retentionMs: number, reason: string | null): VacuumResult {
  return { version: null, deleted: NO_FILE_COUNTS, paths: [], retentionMs, reason }
}

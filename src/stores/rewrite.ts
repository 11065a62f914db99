import type { AddFile } from '../delta/actions.ts'
import { commitEntry } from '../delta/commit.ts'
import type { CommitContent } from '../delta/commit-content.ts'
import type { Conflict } from '../delta/conflict.ts'
import { UncertainCommitError } from '../delta/log-entry.ts'
import { forgetQueries } from '../delta/query-parts.ts'
import { type RemovedFiles, removedFiles } from '../delta/removal.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Run } from './optimize-plan.ts'
import { checkNotCancelled, type RewriteNote, removeRewriteNote, writeRewriteNote } from './rewrite-notes.ts'
import { chunksOf, stageRuns } from './rewrite-rows.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { discardFiles, loggedPath, type StagedFiles, type WrittenFile } from './staging.ts'

/** What is rewritten in one commit. */
export interface RewriteRequest {
  /** Relation (run, path, dv, "add"). */
  readonly inputs: Sql
  readonly runs: readonly Run[]
  readonly zOrder: readonly string[]
  /** Bytes. */
  readonly targetFileSize: bigint
  readonly auto: boolean
}

export interface Rewritten {
  readonly kind: 'rewritten'
  readonly version: bigint
  readonly runs: readonly Run[]
  readonly files: readonly WrittenFile[]
  readonly rows: bigint
}

/** A rewrite from its staged files to its commit. */
interface Exchange {
  readonly id: string
  readonly target: RewriteTarget
  readonly request: RewriteRequest
  /** Relation (path, dv, "add") of the files that go. */
  readonly inputs: Sql
  readonly staged: readonly StagedFiles[]
}

/**
 * Writes the rows of some files into new ones and commits the exchange: no row changes, so that it conflicts only with
 * who takes away one of the files. A conflict leaves nothing behind.
 */
export async function rewriteRuns(target: RewriteTarget, request: RewriteRequest): Promise<Rewritten | Conflict> {
  const { log, deps } = target
  const { snapshot, session } = log
  if (snapshot === undefined) throw new BugError(`files of ${log.name} were to be rewritten before it exists`)
  const inputs = id(session.temporaryName('delta_exchanged'))
  const numbers = request.runs.map((run) => raw(String(run.number)))
  await session.run(sql`create temp table ${inputs} as select * from ${request.inputs} where run in (${join(numbers)})`)
  const staged: StagedFiles[] = []
  const exchange = { id: `optimize-${deps.newId()}`, target, request, inputs, staged }
  try {
    for (const runs of chunksOf(request.runs, request)) {
      const numbers = join(runs.map((run) => raw(String(run.number))))
      const files = sql`(select run, path, dv, "add" from ${inputs} where run in (${numbers}))`
      staged.push(await stageRuns(runs, files, { target, snapshot, rewriteId: exchange.id, ...request }))
      await forgetQueries(log)
    }
    failpoint('optimize-after-stage')
    const result = await commitExchange(exchange)
    if (result.kind === 'conflict') await discard(exchange)
    return result
  } catch (error) {
    // The entry may be in the log: then its files must stay, and the note tells clean of them.
    if (!(error instanceof UncertainCommitError)) await discard(exchange).catch(() => undefined) // The first error tells more.
    throw error
  } finally {
    await session.run(sql`drop table if exists ${inputs}`)
  }
}

async function commitExchange(exchange: Exchange): Promise<Rewritten | Conflict> {
  const { target, request, inputs, staged } = exchange
  const { log, deps } = target
  const files = staged.flatMap((one) => one.files)
  let note: RewriteNote | undefined
  const planned = {
    intent: {
      reads: { kind: 'nothing' },
      removes: { kind: 'files', files: inputs },
      changesRows: false,
      changesMetadata: false,
      changesProtocol: false,
      partitionColumns: [],
    },
    contentOn: async (_state: unknown, { timestampMs }: { readonly timestampMs: number }) => {
      const io = { session: log.session, nowMs: timestampMs, dataChange: false }
      return contentOf(exchange, await removedFiles(inputs, { kind: 'everything' }, [], io), timestampMs)
    },
    publish: async () => {
      if (note === undefined) note = await publish(exchange, files)
      else await checkNotCancelled(log.name, exchange.id, log.blobs)
    },
  } as const
  const result = await commitEntry(log, planned, deps)
  if (result.kind === 'conflict') return result
  failpoint('optimize-after-commit')
  for (const one of staged) one.place = 'committed'
  await tidy(exchange, note)
  const rows = staged.reduce((sum, one) => sum + one.rows, 0n)
  return { kind: 'rewritten', version: result.version, runs: request.runs, files, rows }
}

/** The files in their place, after the note of them. */
async function publish({ id: rewriteId, target, inputs, staged }: Exchange, files: readonly WrittenFile[]): Promise<RewriteNote> {
  const { log, keeps } = target
  const superseded = keeps === 'current files only' ? await log.session.rows(sql`select url_decode(path) as path from ${inputs}`) : []
  const note = {
    id: rewriteId,
    added: files.map((file) => file.path),
    removed: superseded.map((row) => String(row['path'])),
    cancelled: false,
    cancelledAt: null,
  }
  await writeRewriteNote(log.blobs, note)
  failpoint('optimize-after-note')
  for (const one of staged) one.place = 'published'
  await log.blobs.publish(files.map((file) => ({ from: file.from, to: file.path })))
  failpoint('optimize-after-publish')
  return note
}

/** It is committed: what fails here is told, and done again by `clean`. */
async function tidy({ target, staged }: Exchange, note: RewriteNote | undefined): Promise<void> {
  const { log, cleaning, deps } = target
  try {
    for (const one of staged) await log.blobs.removeFolder(one.folder)
    if (note !== undefined) await cleaning.finishRewrite(note)
  } catch (error) {
    deps.warn(`${log.name}: what optimize left behind could not be removed`, error)
  }
}

async function discard({ id: rewriteId, target, staged }: Exchange): Promise<void> {
  const { blobs } = target.log
  for (const one of staged) await discardFiles(one, blobs)
  await removeRewriteNote(blobs, rewriteId)
}

function contentOf({ request, staged }: Exchange, removed: RemovedFiles, timestampMs: number): CommitContent {
  const files = staged.flatMap((one) => one.files)
  const adds = files.map(
    (file): AddFile => ({
      path: loggedPath(file),
      partitionValues: file.partitionValues,
      size: file.bytes,
      modificationTime: timestampMs,
      dataChange: false,
      stats: file.stats,
      tags: file.tags,
    }),
  )
  const sizes = files.map((file) => file.bytes).toSorted((a, b) => Number(a - b))
  return {
    operation: {
      name: 'OPTIMIZE',
      parameters: { predicate: '[]', zOrderBy: JSON.stringify(request.zOrder), clusterBy: '[]', auto: request.auto },
      metrics: {
        numRemovedFiles: removed.lines.length,
        numRemovedBytes: removed.bytes,
        numAddedFiles: files.length,
        numAddedBytes: sizes.reduce((sum, size) => sum + size, 0n),
        minFileSize: sizes[0] ?? 0n,
        p25FileSize: quantile(sizes, 0.25),
        p50FileSize: quantile(sizes, 0.5),
        p75FileSize: quantile(sizes, 0.75),
        maxFileSize: sizes.at(-1) ?? 0n,
        numDeletionVectorsRemoved: request.runs.reduce((sum, run) => sum + run.deletionVectors, 0),
      },
      isBlindAppend: false,
    },
    adds,
    lines: removed.lines,
  }
}

function quantile(sorted: readonly bigint[], share: number): bigint {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0n
}

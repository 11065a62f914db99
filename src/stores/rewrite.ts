import type { CommitContent } from '../delta/commit-content.ts'
import type { Conflict } from '../delta/conflict.ts'
import { forgetQueries } from '../delta/query-parts.ts'
import { type RemovedFiles, removedFiles } from '../delta/removal.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { commitExchange, type Exchange, exchanging } from './exchange.ts'
import type { Run } from './optimize-plan.ts'
import { chunksOf, stageRuns } from './rewrite-rows.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { addsOf } from './staged-actions.ts'
import type { StagedFiles, WrittenFile } from './staging.ts'

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
interface Rewrite extends Exchange {
  readonly request: RewriteRequest
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
  const rewrite: Rewrite = {
    id: `optimize-${deps.newId()}`,
    target,
    request,
    staged,
    superseded: inputs,
    failpoints: { note: 'optimize-after-note', publish: 'optimize-after-publish', commit: 'optimize-after-commit' },
  }
  const work = async () => {
    for (const runs of chunksOf(request.runs, request)) {
      const numbers = join(runs.map((run) => raw(String(run.number))))
      const files = sql`(select run, path, dv, "add" from ${inputs} where run in (${numbers}))`
      staged.push(await stageRuns(runs, files, { target, snapshot, rewriteId: rewrite.id, ...request }))
      await forgetQueries(log)
    }
    failpoint('optimize-after-stage')
    return commitRewrite(rewrite)
  }
  try {
    return await exchanging(rewrite, work)
  } finally {
    await session.run(sql`drop table if exists ${inputs}`)
  }
}

async function commitRewrite(rewrite: Rewrite): Promise<Rewritten | Conflict> {
  const { target, request, superseded, staged } = rewrite
  const { session } = target.log
  const result = await commitExchange(rewrite, {
    intent: {
      reads: { kind: 'nothing' },
      removes: { kind: 'files', files: superseded },
      changesRows: false,
      changesMetadata: false,
      changesProtocol: false,
      partitionColumns: [],
    },
    contentOn: async (_state, { timestampMs }) => {
      const io = { session, nowMs: timestampMs, dataChange: false }
      return contentOf(rewrite, await removedFiles(superseded, { kind: 'everything' }, [], io), timestampMs)
    },
  })
  if (result.kind === 'conflict') return result
  const files = staged.flatMap((one) => one.files)
  return { kind: 'rewritten', version: result.version, runs: request.runs, files, rows: staged.reduce((sum, one) => sum + one.rows, 0n) }
}

function contentOf({ request, staged }: Rewrite, removed: RemovedFiles, timestampMs: number): CommitContent {
  const files = staged.flatMap((one) => one.files)
  const adds = addsOf(files, timestampMs).map((add) => ({ ...add, dataChange: false }))
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

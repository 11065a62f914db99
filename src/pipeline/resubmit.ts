import { FileError, TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { NO_ROWS } from '../model/file.ts'
import type { Manifest } from '../model/manifest.ts'
import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'
import type { LoadContext } from './context.ts'
import { committedManifest } from './inspect-log.ts'
import { commitPlan, planBatch } from './load-batch.ts'
import type { Mended } from './mended.ts'
import { manifestOf } from './outcome.ts'
import type { LoadJob, ResubmitResult } from './protocol.ts'
import { tableSink } from './sink.ts'
import type { StagedPlan } from './stage.ts'

/** The table as mended rows are loaded into it: however many are still bad, and beside what is there. */
export function resubmittedTable(table: TableConfig): TableConfig {
  const strategy = table.strategy === 'overwrite' ? 'append' : table.strategy
  const deduplicate = table.strategy === 'overwrite' ? false : table.deduplicate
  return { ...table, strategy, deduplicate, maxBadRows: { share: 1 }, unchanged: { ...table.unchanged, skip: false } }
}

/** The table as the mended records are read: plain files of UTF-8, without anything before or around the records. */
export function mendedSource(table: TableConfig, isText: boolean): TableConfig {
  const { compression: _c, encoding: _e, skip: _s, skip_footer: _f, ...options } = table.formatOptions
  // Rows of workbooks are kept as JSON, too.
  const isJson = !isText || table.fileFormat === 'json' || table.fileFormat === 'xlsx'
  const watch = { ...table.watch, requireFinalNewline: false }
  return {
    ...table,
    fileFormat: isJson ? 'ndjson' : table.fileFormat,
    jsonPath: null,
    watch,
    formatOptions: { ...options, compression: 'none' },
  }
}

/**
 * One batch of mended rows to its commit: the line of every load, whose manifest names the rows that it took. Rows that are rejected again
 * go to the quarantine anew under this batch, by their own ids.
 */
export async function resubmitBatch(job: LoadJob, mended: Mended, target: OpenTable, context: LoadContext): Promise<ResubmitResult> {
  const last = await target.lastBatch(context.appId)
  if (last === null || last !== job.lastBatch) return { kind: 'givenUp', reason: `batch ${last} of another process was committed first` }
  const { leaving, plan: staging } = await planBatch(job, target, tableSink(target), context)
  await using plan = staging
  failpoint('after-stage')
  const sink = tableSink(target)
  const [failed] = leaving.failed
  if (failed !== undefined || leaving.released.length > 0) {
    await sink.discard(plan.staged)
    throw failed ?? new TableError('ING-QUARANTINE-FILE', `${job.table.name}: ${leaving.released[0]?.reason ?? 'the rows were not taken'}`)
  }
  const torn = mended.files.find(({ file, rows }) => (plan.rows.get(file.path) ?? NO_ROWS).read !== rows)
  if (torn !== undefined) {
    await sink.discard(plan.staged)
    throw new FileError('ING-QUARANTINE-FILE', torn.file.path, `${torn.file.path}: the mended texts are not one record each`, {
      hint: 'write each record as one, with its quotes closed',
    })
  }
  const manifest = await resubmissionOf(job, { mended, plan, target, context, last })
  const commit = await commitPlan(plan, manifest, { job, target, context })
  return commit.kind === 'givenUp' ? commit : { kind: 'committed', version: commit.version, manifest }
}

interface Resubmitting {
  readonly mended: Mended
  readonly plan: StagedPlan
  readonly target: OpenTable
  readonly context: LoadContext
  readonly last: bigint
}

async function resubmissionOf(job: LoadJob, { mended, plan, target, context, last }: Resubmitting): Promise<Manifest> {
  // What the format learned of the source is told by its files, not by some of their rows.
  const { reader } = await committedManifest(target, last)
  const files = mended.files.map(({ file: { path, version }, batchId }) => ({
    path,
    version,
    batchId,
    rows: plan.rows.get(path) ?? NO_ROWS,
  }))
  return { ...manifestOf(job, plan, reader, context), format: 2, files: [], resubmit: { ids: mended.ids, files } }
}

import { mappingMode } from '../delta/column-mapping.ts'
import { integerOf } from '../delta/decode.ts'
import { partitionFolder } from '../delta/partition.ts'
import { columnsOf } from '../delta/schema.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { id, join, literal, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { partitionColumnsOf, rowsOfFiles } from './current.ts'
import { locatedFiles, pathsVariable } from './data-files.ts'
import { type Run, SEQUENCE_TAG, ZORDER_TAG } from './optimize-plan.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { StagedFiles, stageFolder, stageRows } from './staging.ts'
import { zOrdered } from './zorder.ts'

interface RunStage {
  readonly target: RewriteTarget
  readonly snapshot: Snapshot
  readonly rewriteId: string
  readonly zOrder: readonly string[]
  /** Bytes. */
  readonly targetFileSize: bigint
}

/** Streams the rows of some files of one partition into new ones under the stage, and compares how many they are. */
export async function stageRun(run: Run, files: Sql, stage: RunStage): Promise<StagedFiles> {
  const { target, snapshot, zOrder } = stage
  const { log, deps } = target
  const { state } = snapshot
  const partitions = new Set(state.metadata.partitionColumns)
  // Values of partition columns are those of the inputs, to the letter; the rows go without them.
  const fields = state.fields.filter((field) => !partitions.has(field.name))
  const columns = columnsOf(fields)
  const rows = sql`select ${join(columns.map(({ name }) => id(name)))} from (${await rowsOfFiles(log, files)})`
  const staged = await stageRows(
    {
      add: zOrder.length === 0 ? rows : await zOrdered(rows, zOrder, log.session),
      columns,
      batchId: stage.rewriteId,
      // One stream of files that are closed at the target's size, and none for each thread.
      sourceBytes: 0n,
      tags: {
        ...(run.sequence === null ? {} : { [SEQUENCE_TAG]: run.sequence }),
        ...(zOrder.length === 0 ? {} : { [ZORDER_TAG]: zOrder.join(',') }),
      },
    },
    {
      name: log.name,
      blobs: log.blobs,
      session: log.session,
      folder: stageFolder(stage.rewriteId, deps.newId()),
      fields,
      partitionColumns: [],
      rules: [],
      mapping: mappingMode(state),
      properties: state.metadata.configuration,
      targetFileSize: stage.targetFileSize,
    },
  )
  const expected = await rowsIn(files, target)
  if (staged.rows !== expected) {
    await log.blobs.removeFolder(staged.folder)
    throw new TableError(
      'ING-TABLE-BALANCE',
      `${log.name}: ${expected} rows were to be rewritten, ${staged.rows} came out; nothing was committed`,
    )
  }
  return inPartition(staged, run, stage)
}

/** Rows of the files by their own footers, less what deletion vectors take from them. */
async function rowsIn(files: Sql, { log }: RewriteTarget): Promise<bigint> {
  const variable = await pathsVariable(await locatedFiles(files, log), log.session)
  if (variable === undefined) return 0n
  const [row] = await log.session.rows(sql`select
    (select sum(num_rows) from parquet_file_metadata(getvariable(${literal(variable)})))::bigint as stored,
    (select coalesce(sum("add"."deletionVector".cardinality), 0) from ${files})::bigint as deleted`)
  return (integerOf(row?.['stored']) ?? 0n) - (integerOf(row?.['deleted']) ?? 0n)
}

function inPartition(staged: StagedFiles, run: Run, { target, snapshot }: RunStage): StagedFiles {
  const columns = partitionColumnsOf(snapshot.state)
  const values = Object.values(run.partitionValues)
  // The folder bears the names that users know; keys of the log may be others.
  const folder = partitionFolder(columns, Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null])))
  const files = staged.files.map((file) => ({
    ...file,
    partitionValues: run.partitionValues,
    path: folder === '' ? file.path : `${folder}/${file.path}`,
  }))
  return new StagedFiles(staged.folder, files, target.log.blobs)
}

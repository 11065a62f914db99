import { mappingMode } from '../delta/column-mapping.ts'
import { integerOf } from '../delta/decode.ts'
import { partitionFolder } from '../delta/partition.ts'
import { columnsOf, type DeltaField } from '../delta/schema.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { id, join, literal, type Sql, sql } from '../engine/sql.ts'
import { BugError, TableError } from '../errors/errors.ts'
import { POSITION, partitionColumnsOf, rowsOfFiles } from './current.ts'
import { fetchedPaths, locatedFiles } from './data-files.ts'
import { type Run, SEQUENCE_TAG, ZORDER_TAG } from './optimize-plan.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { StagedFiles, type StageTarget, stageFolder, stageRows, type WrittenFile } from './staging.ts'
import { zOrdered } from './zorder.ts'

interface RunStage {
  readonly target: RewriteTarget
  readonly snapshot: Snapshot
  readonly rewriteId: string
  readonly zOrder: readonly string[]
  /** Bytes. */
  readonly targetFileSize: bigint
}

/** Streams the rows of the runs' files into new ones under the stage, and compares how many they are. `files` has (run, path, dv, "add"). */
export async function stageRuns(runs: readonly Run[], files: Sql, stage: RunStage): Promise<StagedFiles> {
  const { log } = stage.target
  const [only] = runs
  const staged = only !== undefined && runs.length === 1 ? await stageRun(only, files, stage) : await stageTogether(runs, files, stage)
  const expected = await rowsIn(files, stage.target)
  if (staged.rows === expected) return staged
  await log.blobs.removeFolder(staged.folder)
  throw new TableError(
    'ING-TABLE-BALANCE',
    `${log.name}: ${expected} rows were to be rewritten, ${staged.rows} came out; nothing was committed`,
  )
}

/** Runs that one statement writes: the engine keeps a hundred files open, and would write a partition in pieces beyond that. */
const TOGETHER_RUNS = 64
/** Rows that it holds before it writes them. */
const TOGETHER_ROWS = 400_000n

/** Runs that fill less than a file each are written in one statement, since a statement takes longer than their rows. */
export function chunksOf(
  runs: readonly Run[],
  { targetFileSize, zOrder }: Pick<RunStage, 'targetFileSize' | 'zOrder'>,
): readonly (readonly Run[])[] {
  const chunks: Run[][] = []
  let rows = TOGETHER_ROWS
  for (const run of runs) {
    const last = chunks.at(-1)
    const isSmall = zOrder.length === 0 && run.rows !== null && run.inputs.bytes <= targetFileSize
    if (isSmall && last !== undefined && rows + (run.rows ?? 0n) <= TOGETHER_ROWS && last.length < TOGETHER_RUNS) {
      last.push(run)
      rows += run.rows ?? 0n
    } else {
      chunks.push([run])
      rows = isSmall ? (run.rows ?? 0n) : TOGETHER_ROWS
    }
  }
  return chunks
}

/** One run of any size, as files that are closed at the target's size. */
async function stageRun(run: Run, files: Sql, stage: RunStage): Promise<StagedFiles> {
  const { zOrder, target } = stage
  const fields = dataFields(stage)
  const rows = sql`select ${join(columnsOf(fields).map(({ name }) => id(name)))} from (${await rowsOfFiles(target.log, files)})`
  const add = zOrder.length === 0 ? rows : await zOrdered(rows, zOrder, target.log.session)
  const staged = await stageQuery(add, { fields, partitionColumns: [] }, stage)
  return inPartitions(staged, () => run, stage)
}

/** Column that tells the run of a row; it parts the files and is in none of them. */
const RUN = '__ingestd_run'
const RUN_FIELD: DeltaField = {
  name: RUN,
  type: 'long',
  nullable: true,
  metadata: { 'delta.columnMapping.physicalName': RUN },
}

async function stageTogether(runs: readonly Run[], files: Sql, stage: RunStage): Promise<StagedFiles> {
  const fields = dataFields(stage)
  const columns = columnsOf(fields).map(({ name }) => sql`r.${id(name)}`)
  const rows = await rowsOfFiles(stage.target.log, files, POSITION)
  const add = sql`select ${join(columns)}, f.run from (${rows}) as r join ${files} as f on f.path = r.${id(POSITION.file)}`
  const staged = await stageQuery(add, { fields: [...fields, RUN_FIELD], partitionColumns: [{ name: RUN, type: 'BIGINT' }] }, stage)
  const byNumber = new Map(runs.map((run) => [String(run.number), run]))
  return inPartitions(staged, ({ partitionValues }) => byNumber.get(String(Object.values(partitionValues)[0])), stage)
}

/** Values of partition columns are those of the inputs, to the letter; the rows go without them. */
function dataFields({ snapshot: { state } }: RunStage): readonly DeltaField[] {
  const partitions = new Set(state.metadata.partitionColumns)
  return state.fields.filter((field) => !partitions.has(field.name))
}

async function stageQuery(
  add: Sql,
  { fields, partitionColumns }: Pick<StageTarget, 'fields' | 'partitionColumns'>,
  { target: { log, deps }, snapshot: { state }, rewriteId, targetFileSize }: RunStage,
): Promise<StagedFiles> {
  return stageRows(
    // Without bytes of a source no file is opened for each thread.
    { add, columns: columnsOf(fields), batchId: rewriteId, sourceBytes: 0n },
    {
      name: log.name,
      blobs: log.blobs,
      session: log.session,
      folder: stageFolder(rewriteId, deps.newId()),
      fields,
      partitionColumns,
      rules: [],
      mapping: mappingMode(state),
      properties: state.metadata.configuration,
      targetFileSize,
    },
  )
}

/** Rows of the files by their own footers, less what deletion vectors take from them. */
async function rowsIn(files: Sql, { log }: RewriteTarget): Promise<bigint> {
  const variable = await fetchedPaths(await locatedFiles(files, log), log)
  if (variable === undefined) return 0n
  const [row] = await log.session.rows(sql`select
    (select sum(num_rows) from parquet_file_metadata(getvariable(${literal(variable)})))::bigint as stored,
    (select coalesce(sum("add"."deletionVector".cardinality), 0) from ${files})::bigint as deleted`)
  return (integerOf(row?.['stored']) ?? 0n) - (integerOf(row?.['deleted']) ?? 0n)
}

function inPartitions(
  staged: StagedFiles,
  runOf: (file: WrittenFile) => Run | undefined,
  { target, snapshot, zOrder }: RunStage,
): StagedFiles {
  const columns = partitionColumnsOf(snapshot.state)
  const files = staged.files.map((file) => {
    const run = runOf(file)
    if (run === undefined) throw new BugError(`${target.log.name}: a rewritten file belongs to no run`)
    const values = Object.values(run.partitionValues)
    // The folder bears the names that users know; keys of the log may be others.
    const folder = partitionFolder(columns, Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null])))
    const name = file.path.slice(file.path.lastIndexOf('/') + 1)
    return {
      ...file,
      partitionValues: run.partitionValues,
      path: folder === '' ? name : `${folder}/${name}`,
      tags: {
        ...(run.sequence === null ? {} : { [SEQUENCE_TAG]: run.sequence }),
        ...(zOrder.length === 0 ? {} : { [ZORDER_TAG]: zOrder.join(',') }),
      },
    }
  })
  return new StagedFiles(staged.folder, files, target.log.blobs)
}

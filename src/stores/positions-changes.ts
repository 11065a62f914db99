import { CHANGE_TYPE, CHANGE_TYPES } from '../delta/change-data.ts'
import { integerOf } from '../delta/decode.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { id, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { POSITION, rowsOfFiles } from './current.ts'
import type { TakenFiles } from './positions-taken.ts'
import type { RemovalTarget } from './positions-target.ts'
import { discardFiles, type StagedFiles } from './staging.ts'
import type { RemovalRequest } from './store.ts'

/** Rows of a version's change feed by their kind. */
export type ChangeCounts = Readonly<Record<(typeof CHANGE_TYPES)[number], bigint>>

/**
 * The change feed of a batch. Readers take either the change files of a version or its data files, so where one is
 * needed all changes are in it. None is needed where nothing but whole files come and go.
 */
export async function stageChanges(
  request: RemovalRequest,
  taken: TakenFiles,
  target: RemovalTarget & { readonly snapshot: Snapshot },
): Promise<{ readonly files: StagedFiles; readonly counts: ChangeCounts } | undefined> {
  const { log, stageFeed } = target
  if (request.columns.some(({ name }) => name.toLowerCase() === CHANGE_TYPE)) {
    throw new TableError('ING-TABLE-STRATEGY', `${log.name}: a table with a change feed cannot have a column ${CHANGE_TYPE}`, {
      hint: 'rename the column with rename_columns, or turn delta.change_data_feed off',
    })
  }
  if (request.changes === null && taken.counts.whole === taken.counts.touched) return undefined
  const names = request.columns.map(({ name }) => id(name))
  const changes =
    request.changes === null
      ? await plainChanges(request, taken, target)
      : sql`select ${join([...names, id(CHANGE_TYPE)])} from (${request.changes})`
  const files = await stageFeed({ add: changes, columns: request.columns, batchId: request.batchId, sourceBytes: 0n })
  try {
    const counts = await countsOf(files, target)
    checkComplete(counts, request, taken, log.name)
    return { files, counts }
  } catch (error) {
    await discardFiles(files, log.blobs).catch(() => undefined) // The first error tells more.
    throw error
  }
}

/** Rows that go are deleted, rows that come are inserted. */
async function plainChanges(
  { columns, added }: RemovalRequest,
  taken: TakenFiles,
  { log, snapshot }: RemovalTarget & { readonly snapshot: Snapshot },
): Promise<Sql> {
  const rows = await rowsOfFiles(log, sql`(select path, dv, "add" from ${taken.files})`, POSITION)
  const known = new Set(snapshot.state.fields.map((field) => field.name))
  const before = columns.map(({ name, type }) => (known.has(name) ? sql`r.${id(name)}` : sql`null::${raw(type)} as ${id(name)}`))
  return sql`select ${join(before)}, 'delete' as ${id(CHANGE_TYPE)} from (${rows}) as r join ${taken.files} as f on f.path = r.${id(POSITION.file)}
      semi join ${taken.rowsOf} as gone on gone.n = f.n and gone."row" = r.${id(POSITION.row)}
    union all select *, 'insert' from (${added})`
}

async function countsOf(files: StagedFiles, { log }: RemovalTarget): Promise<ChangeCounts> {
  const counts: Record<string, bigint> = {}
  if (files.localPaths.length > 0) {
    const rows = await log.session.rows(sql`select ${id(CHANGE_TYPE)} as kind, count(*) as rows
      from read_parquet(${literalList(files.localPaths)}, hive_partitioning = false) group by 1`)
    for (const row of rows) counts[String(row['kind'])] = integerOf(row['rows']) ?? 0n
  }
  const strange = Object.keys(counts).find((kind) => !CHANGE_TYPES.some((known) => known === kind))
  if (strange !== undefined) throw incomplete(log.name, `${literal(strange).text} is no change type (${CHANGE_TYPES.join(', ')})`)
  const countOf = (kind: string) => counts[kind] ?? 0n
  return {
    insert: countOf('insert'),
    update_preimage: countOf('update_preimage'),
    update_postimage: countOf('update_postimage'),
    delete: countOf('delete'),
  }
}

/** A reader that applies the changes must come to what the table holds. */
function checkComplete(counts: ChangeCounts, { addedRows }: RemovalRequest, { rows }: TakenFiles, name: string): void {
  const gone = counts.delete + counts.update_preimage
  const come = counts.insert + counts.update_postimage
  if (gone !== rows) throw incomplete(name, `${rows} rows are removed, the changes tell of ${gone}`)
  if (come !== addedRows) throw incomplete(name, `${addedRows} rows are added, the changes tell of ${come}`)
  if (counts.update_preimage !== counts.update_postimage) throw incomplete(name, 'rows before and after an update are not as many')
}

function incomplete(name: string, problem: string): TableError {
  return new TableError('ING-TABLE-STRATEGY', `${name}: the changes of the strategy's plan are not what it does: ${problem}`, {
    hint: 'leave changes out of the plan: then removed rows are deletes and added ones inserts',
  })
}

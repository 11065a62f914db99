import { integerOf } from '../delta/decode.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { POSITION, rowsOfFiles } from './current.ts'
import { type SplicedFile, splicedFiles } from './positions-splices.ts'
import type { TakenFiles } from './positions-taken.ts'
import type { RemovalTarget } from './positions-target.ts'
import { stageSplice } from './splice-staging.ts'
import { discardFiles, type StagedFiles } from './staging.ts'
import type { RemovalRequest } from './store.ts'

/** The work on files that lose some rows, and what it has staged so far. */
interface Keeping {
  readonly request: RemovalRequest
  readonly taken: TakenFiles
  readonly target: RemovalTarget & { readonly snapshot: Snapshot }
  readonly staged: StagedFiles[]
}

/**
 * Files that lose some rows are made anew with those that stay. Where much of a file is in row groups that lose nothing,
 * their bytes are copied, and only the rows of the others are written again.
 */
export async function stageKept(
  request: RemovalRequest,
  taken: TakenFiles,
  target: RemovalTarget & { readonly snapshot: Snapshot },
): Promise<readonly StagedFiles[]> {
  const { log } = target
  const keeping: Keeping = { request, taken, target, staged: [] }
  try {
    const spliced = await splicedFiles(taken, log)
    const numbers = spliced.map(({ n }) => raw(String(n)))
    const others = numbers.length === 0 ? sql`` : sql`and n not in (${join(numbers)})`
    await rewriteWhole(sql`(select * from ${taken.files} where not whole ${others})`, keeping)
    for (const file of spliced) await splice(file, keeping)
    return keeping.staged
  } catch (error) {
    for (const one of keeping.staged) await discardFiles(one, log.blobs).catch(() => undefined) // The first error tells more; clean removes the rest.
    throw error
  }
}

async function rewriteWhole(files: Sql, keeping: Keeping): Promise<void> {
  const [sums] = await keeping.target.log.session.rows(
    sql`select count(*) as files, sum(live - taken)::bigint as kept, sum("add".size)::bigint as bytes from ${files}`,
  )
  if (integerOf(sums?.['files']) === 0n) return
  const sizes = { rows: integerOf(sums?.['kept']) ?? 0n, bytes: integerOf(sums?.['bytes']) ?? 0n }
  keeping.staged.push(await rewrite(files, sql``, sizes, keeping))
}

async function splice(file: SplicedFile, keeping: Keeping): Promise<void> {
  const { request, taken, target, staged } = keeping
  const row = sql`r.${id(POSITION.row)}`
  const ranges = file.touched.map(({ from, to }) => sql`${row} between ${raw(String(from))} and ${raw(String(to))}`)
  const only = sql`(select * from ${taken.files} where n = ${raw(String(file.n))})`
  const { rows, bytes } = file.rewritten
  const fresh = async () => (rows === 0n ? undefined : rewrite(only, sql`where ${join(ranges, ' or ')}`, { rows, bytes }, keeping))
  staged.push(...(await stageSplice(file, fresh, { ...target.stageTarget(request), newId: target.deps.newId })))
}

/** Writes the rows of some files that are not taken, or those of them that a condition holds for; `rows` are expected. */
async function rewrite(
  files: Sql,
  where: Sql,
  { rows, bytes }: { readonly rows: bigint; readonly bytes: bigint },
  { request, taken, target: { log, stage, snapshot } }: Keeping,
): Promise<StagedFiles> {
  const located = await rowsOfFiles(log, sql`(select path, dv, "add" from ${files})`, POSITION)
  const known = new Set(snapshot.state.fields.map((field) => field.name))
  const columns = request.columns.map(({ name, type }) => (known.has(name) ? sql`r.${id(name)}` : sql`null::${raw(type)} as ${id(name)}`))
  const kept = sql`select ${join(columns)} from (${located}) as r join ${files} as f on f.path = r.${id(POSITION.file)}
    anti join ${taken.rowsOf} as gone on gone.n = f.n and gone."row" = r.${id(POSITION.row)} ${where}`
  const staged = await stage({ add: kept, columns: request.columns, batchId: request.batchId, sourceBytes: bytes })
  if (staged.rows === rows) return staged
  await discardFiles(staged, log.blobs)
  throw new TableError(
    'ING-TABLE-BALANCE',
    `${log.name}: ${rows} rows were to stay in the files that lose rows, ${staged.rows} were written; nothing was committed`,
  )
}

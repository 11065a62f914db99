import type { Blobs } from '../blobs/blobs.ts'
import { integerOf } from '../delta/decode.ts'
import { padded } from '../delta/log-names.ts'
import type { Session } from '../engine/engine.ts'
import { id, inlined, join, literal, pathList, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { stageFolder } from './staging.ts'
import type { ObservationShape, ObserveRequest } from './store.ts'

/*
 * Side files hold what batches observed of keys without it being visible in the table. Each manifest names those that are
 * in force with its batch: a file counts from the commit of the first manifest that names it, and until one does not.
 */

const FOLDER = '_ingestd/observations'

/** Files of about one size are made one when there are so many of them: each row is written a few times, and few files are read. */
const FAN = 4

interface SideIo {
  /** `database.table`, for messages. */
  readonly name: string
  readonly blobs: Blobs
  readonly session: Session
}

/** A query of the observations in side files, typed as asked. TableError where a file is missing or has other columns. */
export async function readSideFiles(paths: readonly string[], { columns }: Pick<ObservationShape, 'columns'>, io: SideIo): Promise<Sql> {
  const { name, blobs, session } = io
  const present = new Set((await blobs.list(FOLDER)).map((entry) => entry.path))
  const missing = paths.find((path) => !present.has(path))
  if (missing !== undefined)
    throw new TableError('ING-TABLE-LOG', `${name}: the side file ${missing} is missing`, {
      hint: 'restore the folder _ingestd of the table',
    })
  const files = pathList(await blobs.fetch(paths))
  const read = sql`read_parquet(${files}, hive_partitioning = false, union_by_name = true)`
  const known = new Set((await session.rows(sql`describe select * from ${read}`)).map((row) => String(row['column_name']).toLowerCase()))
  const lacking = columns.find((column) => !known.has(column.name.toLowerCase()))
  if (lacking !== undefined)
    throw new TableError(
      'ING-TABLE-KEYS',
      `${name}: earlier batches were loaded with other primary_keys or another sequence_by: what they observed has no ${lacking.name}`,
      { hint: 'set them back, or load everything again: ingest run --full-drop' },
    )
  const values = columns.map(({ name: column, type }) => sql`${id(column)}::${raw(type)} as ${id(column)}`)
  return sql`select ${join(values)} from ${read}`
}

/** Writes a batch's observations; the side files that are in force with it. */
export async function writeSideFiles(request: ObserveRequest, io: SideIo & { readonly newId: () => string }): Promise<readonly string[]> {
  const { previous } = request
  const own = id(io.session.temporaryName('observed'))
  const names = join(request.columns.map((column) => id(column.name)))
  await io.session.run(inlined(sql`create temp table ${own} as select ${names} from (${request.observe})`))
  try {
    const [counted] = await io.session.rows(sql`select count(*) as rows from ${own}`)
    const rows = integerOf(counted?.['rows']) ?? 0n
    if (rows === 0n) return previous
    const merged = mergedWith(rows, previous)
    const older = merged.length === 0 ? undefined : await readSideFiles(merged, request, io)
    const all = older === undefined ? sql`select * from ${own}` : sql`select * from ${own} union all by name ${older}`
    const path = await write(older === undefined ? all : needed(all, request), request, io)
    if (merged.length > 0) await writeNote(path, merged, io.blobs)
    failpoint('after-side-file')
    const gone = new Set(merged)
    return [...previous.filter((one) => !gone.has(one)), path]
  } finally {
    await io.session.run(sql`drop table if exists ${own}`)
  }
}

/**
 * Removes side files that are out of force since before a time: those that were made one with others by then, and those
 * that no manifest ever named.
 */
export async function removeSideFiles(inForce: readonly string[], beforeMs: number, blobs: Blobs): Promise<void> {
  const kept = new Set(inForce)
  const entries = await blobs.list(FOLDER)
  for (const { path, modifiedMs } of entries.filter((entry) => isNote(entry.path)))
    if (modifiedMs >= beforeMs) for (const superseded of await readNote(path, blobs)) kept.add(superseded)
  for (const { path, modifiedMs } of entries) if (!kept.has(path) && modifiedMs < beforeMs) await blobs.remove(path)
}

/** Tells by its own time since when files are superseded; their own time is that of their batch. */
async function writeNote(path: string, superseded: readonly string[], blobs: Blobs): Promise<void> {
  await blobs.put(path.replace(/observed$/, 'superseded'), new TextEncoder().encode(JSON.stringify(superseded)))
}

function isNote(path: string): boolean {
  return path.endsWith('.superseded')
}

async function readNote(path: string, blobs: Blobs): Promise<readonly string[]> {
  const content = await blobs.read(path)
  const superseded: unknown = content === undefined ? [] : JSON.parse(new TextDecoder().decode(content))
  return Array.isArray(superseded) ? superseded.map(String) : []
}

/** The files that a new one of so many rows is made one with: all up to the largest size that there are enough of. */
export function mergedWith(rows: bigint, previous: readonly string[]): readonly string[] {
  const sized = previous.map((path) => ({ path, level: levelOf(rowsOf(path)) }))
  const own = levelOf(rows)
  const levels = [...new Set([own, ...sized.map(({ level }) => level)])].toSorted((a, b) => b - a)
  const full = levels.find((level) => sized.filter((one) => one.level === level).length + (own === level ? 1 : 0) >= FAN)
  return full === undefined || full < own ? [] : sized.filter(({ level }) => level <= full).map(({ path }) => path)
}

function levelOf(rows: bigint): number {
  return Math.floor(Math.log2(Number(rows) + 1) / Math.log2(FAN))
}

/** The name tells how many rows a file has. */
function rowsOf(path: string): bigint {
  return BigInt(/-(\d+)\.observed$/.exec(path)?.[1] ?? '0')
}

/** Observations that later plans can need, of those that are put together. */
function needed(rows: Sql, shape: ObservationShape): Sql {
  const keys = join(shape.keys.map(id))
  const newest = join(shape.order.map((column) => sql`${id(column)} desc`))
  if (shape.observes === 'newest')
    return sql`select * from (${rows}) qualify row_number() over (partition by ${keys} order by ${newest}) = 1`
  const age = ageOf(shape)
  const distinct = sql`select distinct * from (${rows})`
  return age === undefined
    ? distinct
    : sql`select * from (${distinct}) qualify ${age} >= max(${age}) over (partition by ${keys}) - ${shape.lateWindowMs}`
}

/** Milliseconds that say how old an observation is; undefined where the sequence is no time. */
function ageOf({ order, columns }: ObservationShape): Sql | undefined {
  const first = columns.find((column) => column.name.toLowerCase() === order[0]?.toLowerCase())
  if (first === undefined) return undefined
  if (first.type === 'DATE' || first.type.startsWith('TIMESTAMP')) return sql`epoch_ms(${id(first.name)}::timestamp)`
  // Nanoseconds stand first in the text of `_sequence`.
  return order.length === 1 ? sql`(left(${id(first.name)}, 20)::hugeint // 1000000)::bigint` : undefined
}

async function write(
  rows: Sql,
  { batch, batchId }: ObserveRequest,
  { blobs, session, newId }: SideIo & { readonly newId: () => string },
): Promise<string> {
  const unique = newId()
  const folder = stageFolder(batchId, unique)
  await blobs.createFolder(folder)
  const from = `${folder}/side.observed`
  try {
    const [written] = await session.rows(
      sql`copy (${inlined(rows)}) to ${literal(blobs.localPath(from))} (format parquet, compression zstd, return_stats)`,
    )
    const path = `${FOLDER}/${padded(batch)}-${unique}-${integerOf(written?.['count']) ?? 0n}.observed`
    await blobs.publish([{ from, to: path }])
    return path
  } finally {
    await blobs.removeFolder(folder)
  }
}

import type { Row, Session } from '../engine/engine.ts'
import { literalList, type Sql, sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import type { TableConfig } from '../model/table.ts'
import type { KeptRejects } from './kept-records.ts'
import type { ShapedGroup } from './shape.ts'
import { ForbiddenRows } from './violators.ts'

/** Rows that a message names. */
export const NAMED = 5

interface RejectsIo {
  readonly session: Session
  readonly format: Format
  readonly formatContext: FormatContext
  readonly groups: readonly ShapedGroup[]
}

/**
 * Rejected rows of each file. Files with more of them than `max_bad_rows` allows are thrown as ForbiddenRows, with their lines. Rows that an
 * expectation rejects were asked to be, and do not count.
 */
export async function checkRejects(rejects: KeptRejects, io: RejectsIo): Promise<ReadonlyMap<string, bigint>> {
  const { session, formatContext } = io
  const counted = await session.rows(
    sql`select r.path, count(*) as rejected, count(*) filter (where ${isBad(io)}) as bad, count(*) filter (where r."row" is null) + coalesce(any_value(n.rows), 0) as rows
      from ${rejects.rows} as r left join ${rejects.read} as n on n.path = r.path group by r.path order by r.path`,
  )
  const byFile = new Map(counted.map(({ path, rejected }) => [String(path), BigInt(String(rejected))]))
  const failed: FileError[] = []
  for (const { path, bad, rows } of counted) {
    if (isAllowed(Number(bad), Number(rows), formatContext.table.maxBadRows)) continue
    failed.push(await tooMany(String(path), { rejected: Number(bad), rows: Number(rows) }, rejects, io))
  }
  if (failed.length > 0) throw new ForbiddenRows(failed)
  return byFile
}

/** Of a row `r` that was rejected: for another reason than an expectation. */
function isBad({ formatContext }: RejectsIo): Sql {
  const names = formatContext.table.expectations.map(({ name }) => name)
  return names.length === 0 ? sql`true` : sql`not list_contains(${literalList(names)}::varchar[], r.rule)`
}

export function isAllowed(rejected: number, rows: number, limit: TableConfig['maxBadRows']): boolean {
  return rejected <= (typeof limit === 'number' ? limit : limit.share * rows)
}

async function tooMany(path: string, counted: BadRows, rejects: KeptRejects, io: RejectsIo): Promise<FileError> {
  const named = await io.session.rows(sql`${FIRST} from ${rejects.rows} as r where r.path = ${path} and ${isBad(io)} ${IN_ORDER}`)
  const places: string[] = []
  for (const row of named) {
    const { number, line } = row
    const place = line === null && number !== null ? await placeOf(path, BigInt(String(number)), io) : undefined
    places.push(placed(row, place))
  }
  return beyondLimit(path, counted, { places, limit: io.formatContext.table.maxBadRows })
}

interface BadRows {
  readonly rejected: number
  readonly rows: number
}

const FIRST = sql`select r.number, r.line, r.column_name, r.rule, r.reason`
const IN_ORDER = sql`order by r.number nulls last, r.line limit ${NAMED}`

/** The error of a file that was sorted out, with its first rejected rows. */
export async function tooManyRows(
  path: string,
  counted: BadRows,
  { rows, context }: { readonly rows: Sql; readonly context: FormatContext },
): Promise<FileError> {
  const named = await context.session.rows(sql`${FIRST} from ${rows} as r where r.path = ${path} ${IN_ORDER}`)
  return beyondLimit(path, counted, { places: named.map((row) => placed(row, undefined)), limit: context.table.maxBadRows })
}

/** A row with its place: the one that is given, else the line, else its number. */
function placed({ number, line, column_name: column, rule, reason }: Row, place: string | undefined): string {
  const what = rule === 'type' && typeof column === 'string' ? `column ${column}: ${String(reason)}` : String(reason)
  const known = typeof line === 'bigint' ? `line ${line}` : typeof number === 'bigint' ? `row ${number + 1n}` : undefined
  const where = place ?? known
  return where === undefined ? what : `${where}: ${what}`
}

function beyondLimit(
  path: string,
  { rejected, rows }: BadRows,
  { places, limit }: { readonly places: readonly string[]; readonly limit: TableConfig['maxBadRows'] },
): FileError {
  const rest = rejected > places.length ? `; and ${rejected - places.length} more` : ''
  const allowed = typeof limit === 'number' ? String(limit) : `${limit.share * 100}%`
  return new FileError(
    'ING-FILE-BAD-ROWS',
    path,
    `${path}: ${rejected} of ${rows} rows cannot be loaded (max_bad_rows: ${allowed}): ${places.join('; ')}${rest}`,
    { hint: 'mend the rows, or raise max_bad_rows; then `ingest retry FILE`' },
  )
}

/** A line where the format can tell it, else the number of the row. */
export async function placeOf(
  path: string,
  number: bigint,
  { format, formatContext, groups }: Omit<RejectsIo, 'session'>,
): Promise<string> {
  const group = groups.find((one) => one.group.files.some((file) => file.path === path))?.group
  const file = group?.files.find((one) => one.path === path)
  const line = group && file ? await format.lineOf?.(file, number, { group, context: formatContext }) : undefined
  return typeof line === 'number' ? `line ${line}` : `row ${number + 1n}`
}

import type { LogState } from '../delta/snapshot.ts'
import { indexedLeaves } from '../delta/stats.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'

/** Rows that are looked at to know how the values of a column are spread. */
const SAMPLE = 100_000
/** Bits of a column's rank; fewer where many columns share the 60 bits of a z value. */
const MOST_BITS = 10
const ALL_BITS = 60
const MOST_COLUMNS = 8

/**
 * The columns as the table spells them. TableError for those by which an order would be in vain: partition columns, and
 * columns without statistics, by which no reader can skip a file.
 */
export function zOrderColumns(name: string, wanted: readonly string[], { fields, metadata }: LogState): readonly string[] {
  const leaves = indexedLeaves(fields, metadata.partitionColumns, metadata.configuration)
  const indexed = new Set(leaves.filter(({ path, type }) => path.length === 1 && isOrdered(type)).map(({ path }) => path[0]))
  if (wanted.length > MOST_COLUMNS) throw refused(`${name}: z-order takes up to ${MOST_COLUMNS} columns`)
  const columns = wanted.map((column) => {
    const found = fields.find((field) => field.name.toLowerCase() === column.toLowerCase())?.name
    if (found === undefined) throw refused(`${name} has no column ${column}`)
    if (metadata.partitionColumns.includes(found)) throw refused(`${name}: ${found} is a partition column`)
    if (!indexed.has(found))
      throw refused(`${name}: column ${found} has no minimum and maximum in the log, so that no reader could skip files by it`)
    return found
  })
  if (new Set(columns).size < columns.length) throw refused(`${name}: a column is named twice`)
  return columns
}

/** The rows in the order of a curve that keeps rows together which are near each other in all columns. */
export async function zOrdered(rows: Sql, columns: readonly string[], session: Session): Promise<Sql> {
  const bits = Math.min(MOST_BITS, Math.floor(ALL_BITS / columns.length))
  const bounds = id(session.temporaryName('zorder_bounds'))
  await session.run(boundsTable(bounds, rows, columns, bits))
  const ranks = columns.map((column, index) => sql`${rank(sql`r.${id(column)}`, sql`b.${cutName(index)}`, bits)} as ${rankName(index)}`)
  const ranked = sql`select r.*, ${join(ranks)} from (${rows}) as r cross join ${bounds} as b`
  const names = columns.map((_, index) => rankName(index))
  return sql`select * exclude (${join(names)}) from (${ranked}) order by ${interleaved(names, bits)}`
}

/** One row: for each column the values that cut it into parts of equal size. Some are equal where a value is frequent. */
function boundsTable(bounds: Sql, rows: Sql, columns: readonly string[], bits: number): Sql {
  const count = 2 ** bits
  const shares = raw(Array.from({ length: count - 1 }, (_, index) => String((index + 1) / count)).join(', '))
  const cuts = columns.map((column, index) => sql`quantile_disc(${id(column)}, [${shares}]) as ${cutName(index)}`)
  const sample = sql`select ${join(columns.map(id))} from (${rows}) using sample reservoir(${raw(String(SAMPLE))} rows)`
  return sql`create temp table ${bounds} as select ${join(cuts)} from (${sample})`
}

/** How many of the bounds a value reaches, by halving: as many steps as bits, and no row needs to know another. Null reaches none. */
function rank(value: Sql, bounds: Sql, bits: number): Sql {
  const steps = Array.from({ length: bits }, (_, index) => 2 ** (bits - 1 - index))
  return sql`list_reduce([${raw([0, ...steps].join(', '))}], lambda k, s: k + case when ${value} >= ${bounds}[k + s] then s else 0 end)`
}

/** The highest bits of all columns first, then the next. */
function interleaved(ranks: readonly Sql[], bits: number): Sql {
  const parts = ranks.flatMap((name, index) =>
    Array.from(
      { length: bits },
      (_, bit) => sql`(((${name}::bigint >> ${raw(String(bit))}) & 1) << ${raw(String(bit * ranks.length + index))})`,
    ),
  )
  return join(parts, ' + ')
}

function cutName(index: number): Sql {
  return id(`__ingestd_cuts${index}`)
}

function rankName(index: number): Sql {
  return id(`__ingestd_rank${index}`)
}

function isOrdered(type: string | null): boolean {
  return type !== null && type !== 'binary' && type !== 'boolean'
}

function refused(message: string): TableError {
  return new TableError('ING-TABLE-ZORDER', message)
}

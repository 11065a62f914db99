import { integerOf, textMapOf } from '../delta/decode.ts'
import { duckdbType } from '../delta/schema.ts'
import { type ColumnStatistics, type Leaf, statisticsKey } from '../delta/stats.ts'
import type { Session } from '../engine/engine.ts'
import { join, literal, pathList, raw, type Sql, sql } from '../engine/sql.ts'

/** What the footer of a data file tells of its rows. */
export interface FooterStatistics {
  readonly rows: bigint
  readonly statistics: ColumnStatistics
}

/**
 * Bounds and nulls of the columns of a file that the engine wrote, put together from those of its row groups. Where one of
 * them does not tell its bounds, as with a NaN or a long text among its values, the column has none.
 */
export async function footerStatistics(path: string, leaves: readonly Leaf[], session: Session): Promise<FooterStatistics> {
  const file = pathList([path])
  const [footer] = await session.rows(sql`select sum(num_rows)::bigint as "rows" from parquet_file_metadata(${file})`)
  const queries = [...pathsByType(leaves)].map(([type, paths]) => statisticsOf(file, raw(type), paths))
  const measured = queries.length === 0 ? [] : await session.rows(sql`${join(queries, ' union all ')}`)
  const byPath = new Map(measured.map(({ path, ...told }) => [String(path), textMapOf(told)]))
  const statistics = leaves.flatMap((leaf) => {
    const told = byPath.get(footerPath(leaf))
    // A row group with a NaN tells no bounds.
    return told === undefined ? [] : [[statisticsKey(leaf), { ...told, has_nan: 'false' }]]
  })
  return { rows: integerOf(footer?.['rows']) ?? 0n, statistics: Object.fromEntries(statistics) }
}

function pathsByType(leaves: readonly Leaf[]): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>()
  for (const leaf of leaves) {
    if (leaf.type === null) continue
    const type = duckdbType(leaf.type, footerPath(leaf))
    paths.set(type, [...(paths.get(type) ?? []), footerPath(leaf)])
  }
  return paths
}

/** As the engine tells it: of two columns that it names alike neither has statistics. */
function footerPath({ path, physical }: Leaf): string {
  return (physical ?? path).join(', ')
}

function statisticsOf(file: Sql, type: Sql, paths: readonly string[]): Sql {
  const bound = (of: 'min' | 'max') => {
    const value = sql`try_cast(${raw(`stats_${of}_value`)} as ${type})`
    return sql`case when bool_and(coalesce(${value} is not null or stats_null_count = num_values, false)) then ${raw(of)}(${value})::varchar end as ${raw(of)}`
  }
  return sql`select path_in_schema as path, ${bound('min')}, ${bound('max')},
      case when count(stats_null_count) = count(*) then sum(stats_null_count)::bigint::varchar end as null_count
    from parquet_metadata(${file}) where path_in_schema in (${join(paths.map((path) => sql`${literal(path)}`))})
    group by path_in_schema having count(distinct column_id) = 1`
}

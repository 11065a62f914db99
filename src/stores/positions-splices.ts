import { integerOf, textOf } from '../delta/decode.ts'
import type { TableLog } from '../delta/table-log.ts'
import type { Row } from '../engine/engine.ts'
import { id, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { fetchedPaths, locatedFiles } from './data-files.ts'
import type { TakenFiles } from './positions-taken.ts'

/** A file that loses rows in some of its row groups, while the others are worth to be copied. */
export interface SplicedFile {
  /** Its number in `TakenFiles`. */
  readonly n: bigint
  /** Absolute. */
  readonly file: string
  readonly partitionValues: unknown
  /** Numbers of the row groups that lose nothing. */
  readonly groups: readonly number[]
  readonly copiedRows: bigint
  /** Rows of the other row groups, by their first and last position. */
  readonly touched: readonly { readonly from: bigint; readonly to: bigint }[]
  /** Those of them that stay, and the bytes of their row groups. */
  readonly rewritten: { readonly rows: bigint; readonly bytes: bigint }
}

/** Bytes that lose nothing from which copying them is faster than to write them again with the rest. */
const LEAST_BYTES = raw(String(1024 * 1024))
/** A file of ever smaller row groups is better written again. */
const LEAST_ROWS_OF_GROUP = raw('10000')
/** Row groups that the engine's reader is asked for one by one: a file with more of them loses rows everywhere. */
const MOST_TOUCHED = raw('200')
/** A footer lies in the memory as a tree. */
const MOST_FOOTER_BYTES = raw(String(2 * 1024 * 1024))

/**
 * The files among those that lose rows that are worth to be spliced. The engine wrote them: its footers are known to tell the
 * bounds of every row group, and it puts no part of a file elsewhere. What has a deletion vector is written again as a whole.
 */
export async function splicedFiles({ files, rowsOf }: TakenFiles, log: TableLog): Promise<readonly SplicedFile[]> {
  const { session } = log
  const large = sql`(select n, path, dv, "add" from ${files} where not whole and dv = '' and "add".size >= ${LEAST_BYTES})`
  const located = await locatedFiles(large, log)
  const variable = await fetchedPaths(located, log)
  if (variable === undefined) return []
  const groups = id(session.temporaryName('delta_row_groups'))
  try {
    await session.run(
      sql`create temp table ${groups} as ${rowGroups(sql`select l.n, f.file, f."values" from (${located}) as f join ${large} as l using (path)`, variable)}`,
    )
    const rows = await session.rows(
      sql`select s.*, touched_rows - f.taken as rewritten from (${splices(groups, rowsOf)}) as s join ${files} as f using (n) order by n`,
    )
    return rows.map(splicedFile)
  } finally {
    await session.run(sql`drop table if exists ${groups}`)
  }
}

function splicedFile(row: Row): SplicedFile {
  const last = integersIn(row['last_rows'])
  return {
    n: integerOf(row['n']) ?? 0n,
    file: textOf(row['file']) ?? '',
    partitionValues: row['values'],
    groups: integersIn(row['copied_groups']).map(Number),
    copiedRows: integerOf(row['copied']) ?? 0n,
    touched: integersIn(row['first_rows']).map((from, index) => ({ from, to: last[index] ?? from })),
    rewritten: { rows: integerOf(row['rewritten']) ?? 0n, bytes: integerOf(row['bytes']) ?? 0n },
  }
}

/** Query (n, file, values, g, rows, bytes, start): the row groups of files, and the position that each begins with. */
function rowGroups(files: Sql, variable: string): Sql {
  const paths = sql`getvariable(${literal(variable)})`
  return sql`select f.n, f.file, f."values", g.g, g."rows", g.bytes, sum(g."rows") over (partition by f.n order by g.g)::bigint - g."rows" as start
    from (select file_name as file, row_group_id as g, any_value(row_group_num_rows)::bigint as "rows", sum(total_compressed_size)::bigint as bytes
      from parquet_metadata(${paths}) group by all) as g
    join (select file_name as file from parquet_file_metadata(${paths})
      where starts_with(created_by, 'DuckDB') and encryption_algorithm is null and footer_size <= ${MOST_FOOTER_BYTES}) using (file)
    join (${files}) as f using (file)`
}

/**
 * Query of the files that are worth it. Places are first put together by blocks: where a block reaches over several row groups all
 * of them count as touched, which is what they nearly always are.
 */
function splices(groups: Sql, rowsOf: Sql): Sql {
  const blocks = sql`select n, min("row") as least, max("row") as greatest from ${rowsOf} group by n, "row" >> 11`
  const spans = sql`select distinct b.n, lo.g as lo, hi.g as hi from (${blocks}) as b
    asof join ${groups} as lo on lo.n = b.n and lo.start <= b.least asof join ${groups} as hi on hi.n = b.n and hi.start <= b.greatest`
  const touched = sql`select distinct g.n, g.g from (${spans}) as s join ${groups} as g on g.n = s.n and g.g between s.lo and s.hi`
  const counted = sql`select g.*, t.g is not null as touched from ${groups} as g left join (${touched}) as t on t.n = g.n and t.g = g.g`
  return sql`select n, file, any_value("values") as "values", sum("rows") filter (not touched)::bigint as copied,
      list(g order by g) filter (not touched) as copied_groups,
      list(start order by g) filter (touched) as first_rows, list(start + "rows" - 1 order by g) filter (touched) as last_rows,
      sum("rows") filter (touched)::bigint as touched_rows, sum(bytes) filter (touched)::bigint as bytes
    from (${counted}) group by n, file
    having sum(bytes) filter (not touched) >= ${LEAST_BYTES} and avg("rows") filter (not touched) >= ${LEAST_ROWS_OF_GROUP}
      and count(*) filter (touched) <= ${MOST_TOUCHED}`
}

function integersIn(values: unknown): readonly bigint[] {
  return Array.isArray(values) ? values.flatMap((value) => integerOf(value) ?? []) : []
}

import type { PartitionValues } from '../delta/actions.ts'
import { integerOf, isRecord, textOf } from '../delta/decode.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { FileCounts } from '../model/maintenance.ts'

/** What of a table is rewritten. */
export interface PlanRequest {
  /** Bytes of a good file. */
  readonly target: bigint
  /** Keys of the partition values, as the log holds them. */
  readonly partitionKeys: readonly string[]
  /** What the tag of z-ordered files says; null for mere compaction. */
  readonly zOrder: string | null
  /** Only partitions with at least so many files to be put together. */
  readonly leastFiles: number
}

/** Files of one partition that are rewritten together, as one stream of rows. */
export interface Run {
  readonly number: bigint
  readonly partitionValues: PartitionValues
  readonly inputs: FileCounts
  /** That are not deleted; null where the log does not say. */
  readonly rows: bigint | null
  readonly deletionVectors: number
  /** The greatest `ingestd.sequence` among the files. */
  readonly sequence: string | null
}

export interface OptimizePlan {
  /** Relation (run, path, dv, "add") of the files to be rewritten: a temporary table. */
  readonly inputs: Sql
  /** Those that win most first. */
  readonly runs: readonly Run[]
}

/** Tag of files whose rows were ordered by us: their columns. */
export const ZORDER_TAG = 'ingestd.zorder'
export const SEQUENCE_TAG = 'ingestd.sequence'

/** A file of this share of the target is good as it is: rewriting it would cost more than it gives. */
const GOOD_SHARE = 0.75
/** Deleted rows, as a share of a file, from which it is worth while to write the file again without them. */
const PURGE_SHARE = 0.05
/** Targets that one run fills, so that a large partition is rewritten piece by piece. */
const RUN_TARGETS = 64

/**
 * Chooses the files to be rewritten. Small files of a partition are put together in the order in which they came, where that makes fewer of them; files with many deleted rows are
 * written again without those. For z-order it is every file of a partition that is not in that order yet.
 */
export async function planRuns(files: Sql, request: PlanRequest, session: Session): Promise<OptimizePlan> {
  const inputs = id(session.temporaryName('delta_rewrite'))
  await session.run(
    sql`create temp table ${inputs} as select run, path, dv, "add", (records - deleted)::bigint as live_rows from (${request.zOrder === null ? small(files, request) : unordered(files, request)})`,
  )
  const rows =
    await session.rows(sql`select run, count(*) as files, sum("add".size)::bigint as bytes, count(*) filter (dv <> '') as vectors,
    case when bool_and(live_rows is not null) then sum(live_rows)::bigint end as "rows",
    max("add".tags[${literal(SEQUENCE_TAG)}]) as sequence, first("add"."partitionValues") as "values"
    from ${inputs} group by run order by files desc, run`)
  const runs = rows.map((row) => ({
    number: integerOf(row['run']) ?? 0n,
    partitionValues: valuesOf(row['values'], request.partitionKeys),
    inputs: { files: Number(integerOf(row['files']) ?? 0n), bytes: integerOf(row['bytes']) ?? 0n },
    rows: integerOf(row['rows']),
    deletionVectors: Number(integerOf(row['vectors']) ?? 0n),
    sequence: textOf(row['sequence']),
  }))
  return { inputs, runs }
}

/** Bytes of a file that are not deleted, as far as the log tells. */
const LIVE = raw(
  `case when dv = '' or coalesce(records, 0) = 0 then "add".size else ("add".size * greatest(0, 1 - deleted / records))::bigint end`,
)

function described(files: Sql, { partitionKeys }: PlanRequest): Sql {
  const partition = partitionKeys.map((key) => sql`nullif("add"."partitionValues"[${literal(key)}], '')`)
  return sql`select path, dv, "add", to_json([${join(partition)}]::varchar[])::varchar as part,
    coalesce("add"."deletionVector".cardinality, 0)::double as deleted,
    try_cast(json_extract_string("add".stats, '$.numRecords') as bigint) as records from ${files}`
}

function small(files: Sql, request: PlanRequest): Sql {
  const { target, leastFiles } = request
  const good = BigInt(Math.ceil(Number(target) * GOOD_SHARE))
  const purged = sql`(dv <> '' and (records is null or deleted > records * ${PURGE_SHARE}))`
  const sized = sql`select *, ${LIVE} as live, ${purged} as purge from (${described(files, request)})`
  // A partition beyond a run's size is cut by the bytes before each file.
  const before = sql`sum(live) over (partition by part order by "add"."modificationTime", path rows between unbounded preceding and current row) - live`
  const cut = sql`select *, ((${before}) // ${target * BigInt(RUN_TARGETS)})::bigint as piece from (${sized}) where "add".size < ${good} or purge`
  const numbered = sql`select *, dense_rank() over (order by part, piece) as run from (${cut})`
  return sql`select * from (${numbered}) qualify count(*) over (partition by run) >= ${leastFiles}
    and (count(*) over (partition by run) > ceil(sum(live) over (partition by run)::double / ${target}) or bool_or(purge) over (partition by run))`
}

function unordered(files: Sql, request: PlanRequest): Sql {
  const ordered = sql`(dv = '' and coalesce("add".tags[${literal(ZORDER_TAG)}], '') = ${request.zOrder})`
  return sql`select *, dense_rank() over (order by part) as run from (${described(files, request)}) qualify not bool_and(${ordered}) over (partition by part)`
}

function valuesOf(values: unknown, keys: readonly string[]): PartitionValues {
  const known = isRecord(values) ? values : {}
  return Object.fromEntries(keys.map((key) => [key, textOf(known[key])]))
}

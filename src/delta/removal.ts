import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { PartitionValues } from './actions.ts'
import { integerOf, textOf } from './decode.ts'
import { type PartitionColumn, partitionValue } from './partition.ts'

/** Which of the active files a commit takes out. */
export type Removal =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'everything' }
  | { readonly kind: 'partitions'; readonly partitions: readonly PartitionValues[] }

/** The files that go, as lines of the commit. */
export interface RemovedFiles {
  readonly lines: readonly string[]
  /** Decoded, relative to the table's root. */
  readonly paths: readonly string[]
  readonly bytes: bigint
}

export const NO_FILES: RemovedFiles = { lines: [], paths: [], bytes: 0n }

/** Lines of `remove` for active files, made in the engine; they say all that an older version needs to read the file again. */
export async function removedFiles(
  files: Sql,
  removal: Removal,
  columns: readonly PartitionColumn[],
  io: {
    readonly session: Session
    readonly nowMs: number /** False where the same rows come back in other files. */
    readonly dataChange?: boolean
  },
): Promise<RemovedFiles> {
  if (removal.kind === 'nothing' || (removal.kind === 'partitions' && removal.partitions.length === 0)) return NO_FILES
  const chosen = removal.kind === 'everything' ? raw('true') : inPartitions(removal.partitions, columns, sql`"add"."partitionValues"`)
  const tags = sql`case when "add".tags is null then '' else ',"tags":' || to_json("add".tags)::varchar end`
  const line = sql`'{"remove":{"path":' || to_json(path)::varchar || ',"deletionTimestamp":' || ${String(io.nowMs)} || ',"dataChange":' || ${String(io.dataChange ?? true)} || ',"extendedFileMetadata":true,"partitionValues":'
    || coalesce(to_json("add"."partitionValues")::varchar, '{}') || ',"size":' || "add".size || ${tags} || '}}'`
  const rows = await io.session.rows(
    sql`select ${line} as line, url_decode(path) as path, "add".size as size from ${files} where ${chosen} order by 2`,
  )
  return {
    lines: rows.map((row) => textOf(row['line']) ?? ''),
    paths: rows.map((row) => textOf(row['path']) ?? ''),
    bytes: rows.reduce((sum, row) => sum + (integerOf(row['size']) ?? 0n), 0n),
  }
}

/** Whether partition values of the log are among some partitions. Values are compared as what they mean: other writers print them otherwise. */
export function inPartitions(partitions: readonly PartitionValues[], columns: readonly PartitionColumn[], values: Sql): Sql {
  const names = columns.map((_, index) => id(`p${index}`))
  const rows = partitions.map((partition) => sql`(${join(columns.map((column) => constant(column, partition[column.name] ?? null)))})`)
  const same = columns.map((column, index) => sql`wanted.${id(`p${index}`)} is not distinct from ${partitionValue(column, values)}`)
  return sql`exists (select 1 from (values ${join(rows)}) as wanted(${join(names)}) where ${join(same, ' and ')})`
}

function constant({ type }: PartitionColumn, text: string | null): Sql {
  return text === null ? sql`null::${raw(type)}` : sql`${literal(text)}::${raw(type)}`
}

import { optional, partitionsJson } from '../delta/removal.ts'
import { raw, type Sql, sql } from '../engine/sql.ts'

/** The beginning of a line of `add` for a file that the log knows, as text in the engine; its statistics and deletion vector may follow. */
export function addHead(): Sql {
  return sql`'{"add":{"path":' || to_json(path)::varchar || ',"partitionValues":' || ${partitionsJson()} || ',"size":' || "add".size
    || ',"modificationTime":' || coalesce("add"."modificationTime", 0) || ',"dataChange":true' || ${optional('tags', raw('"add".tags'))}
    || ${optional('baseRowId', raw('"add"."baseRowId"'))} || ${optional('defaultRowCommitVersion', raw('"add"."defaultRowCommitVersion"'))}
    || ${optional('clusteringProvider', raw('"add"."clusteringProvider"'))}`
}

import { id, raw, sql } from '../engine/sql.ts'
import type { RemovedTwice } from '../model/validation.ts'
import { reading } from './damage.ts'
import { integerOf, parsedRecord, textOf } from './decode.ts'
import { allCommits } from './listing.ts'
import { commitPath } from './log-names.ts'
import { commitRows, deletionVectorId } from './log-sql.ts'
import type { TableLog } from './table-log.ts'

/**
 * Commits that doubled rows, among those that are still in the log, oldest first: no writer that looks at what others
 * committed makes one. Left out are those of which every file has gone since together with its rows, or that a restore undid.
 */
export async function removedTwice({ blobs, session }: Pick<TableLog, 'blobs' | 'session'>): Promise<readonly RemovedTwice[]> {
  const paths = await blobs.fetch((await allCommits(blobs)).map(commitPath))
  if (paths.length === 0) return []
  const commits = commitRows(paths, ['add', 'remove', 'commitInfo'])
  const actions = (name: 'add' | 'remove') =>
    sql`select version, ${id(name)}.path as path, ${deletionVectorId(id(name))} as dv, ${raw(String(name === 'remove'))} as gone,
      coalesce(${id(name)}."dataChange", true) as changes from ${commits} where ${id(name)}.path is not null`
  const query = sql`with steps as materialized (${actions('add')} union all ${actions('remove')}),
    twice as (select version, count(*) as files from (
      select version, gone, lag(gone) over (partition by path, dv order by version, gone desc) as gone_before from steps
    ) where gone and gone_before group by version),
    doubled as (select version, any_value(files) as files from twice join steps as s using (version) where not s.gone
      and not exists (select 1 from steps as l where l.path = s.path and l.version > s.version and l.gone and l.changes)
      group by version),
    restores as (select version, try_cast(json_extract_string("commitInfo", '$.operationParameters.version') as bigint) as back_to
      from ${commits} where json_extract_string("commitInfo", '$.operation') = 'RESTORE')
    select version, any_value(files) as files, first("commitInfo"::varchar) filter ("commitInfo" is not null) as info
    from ${commits} join doubled as d using (version)
    where not exists (select 1 from restores as r where r.version > d.version and r.back_to < d.version) group by version order by version`
  const rows = await reading(blobs, () => session.rows(query))
  return rows.map((row) => {
    // Writers may leave the commitInfo out.
    const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
    return {
      version: integerOf(row['version']) ?? 0n,
      files: Number(integerOf(row['files']) ?? 0n),
      operation: textOf(info['operation']),
      engine: textOf(info['engineInfo']),
    }
  })
}

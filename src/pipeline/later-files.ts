import type { Session } from '../engine/engine.ts'
import { id, join, literal, type Sql, sql } from '../engine/sql.ts'
import type { TableVersion } from '../stores/store.ts'
import type { LaterQuestion } from './protocol.ts'

/**
 * Files that changed keys of a file since it was loaded, told by the rows of these keys then and now. Null where the rows do not tell.
 */
export async function laterFiles(
  { table, path }: LaterQuestion,
  then: TableVersion,
  now: TableVersion,
  session: Session,
): Promise<readonly string[] | null> {
  if (!hasSource(then) || !hasSource(now)) return null
  const keys = join(table.primaryKeys.map(id))
  const own = sql`select distinct ${keys} from (${await then.current()}) where _source_file = ${literal(path)}`
  const sources = (rows: Sql) => sql`select distinct _source_file as path from (${rows}) semi join (${own}) using (${keys})`
  const later = sql`(${sources(await now.current())}) except (${sources(await then.current())})`
  const found = await session.rows(sql`select path from (${later}) where path is not null order by path`)
  return found.map((row) => String(row['path']))
}

function hasSource({ state }: TableVersion): boolean {
  return state?.columns.some(({ name }) => name === '_source_file') === true
}

import type { Session } from '../engine/engine.ts'
import { id, inlined, type Sql, sql } from '../engine/sql.ts'
import type { Warning } from '../model/batch.ts'
import type { TableConfig } from '../model/table.ts'
import type { KeptRejects } from './kept-records.ts'

/** Contenders that a warning names. */
const NAMED = 10

interface TiesIo {
  readonly table: TableConfig
  readonly session: Session
  readonly rejects: KeptRejects
  /** Where a row stands, for a message. */
  readonly placeOf: (path: string, number: bigint) => Promise<string>
}

/** What becomes of rows that tie: told of, or, with `when_tied: reject`, taken out of the records; then the plan is made again. */
export async function settleTies(ties: Sql, io: TiesIo): Promise<{ readonly isSettled: boolean; readonly warnings: readonly Warning[] }> {
  const { session, table, rejects } = io
  const found = id(session.temporaryName('ties'))
  await session.run(inlined(sql`create temp table ${found} as ${ties}`))
  try {
    const [counted] = await session.rows(sql`select count(*) as rows, count(distinct key) as keys from ${found}`)
    if (counted?.['rows'] === 0n) return { isSettled: true, warnings: [] }
    if (table.keyed.whenTied === 'reject') {
      const reason = `other rows of its key have the same ${table.sequenceBy.join(', ')} and differ`
      await rejects.reject(
        sql`select distinct "row", null::varchar as column_name, 'tie' as rule, ${reason} as reason from ${found} where "row" is not null`,
      )
      return { isSettled: false, warnings: [] }
    }
    return { isSettled: true, warnings: [await warning(found, Number(counted?.['keys']), io)] }
  } finally {
    await session.run(sql`drop table if exists ${found}`)
  }
}

async function warning(found: Sql, keys: number, { session, table, rejects, placeOf }: TiesIo): Promise<Warning> {
  // Numbers of rows in their files; rows of the table are named by the file that they came from.
  const rows = await session.rows(sql`select t.key, t.path, t.chosen, t."row" - n.first as number
    from ${found} as t left join ${rejects.read} as n on n.path = t.path and t."row" is not null order by t.key, t.path, t."row" limit ${NAMED}`)
  const contenders: string[] = []
  for (const { key, path, chosen, number } of rows) {
    const place = typeof number === 'bigint' ? ` ${await placeOf(String(path), number)}` : ', loaded before'
    contenders.push(`${String(key)} in ${String(path ?? 'the table')}${place}${chosen === true ? ' (taken)' : ''}`)
  }
  const rest = rows.length < NAMED ? '' : ' …'
  const said = keys === 1 ? 'rows of a key' : `rows of ${keys} keys`
  return {
    code: 'ING-KEY-TIE',
    message: `${table.name}: ${said} have the same ${table.sequenceBy.join(', ')} and differ; file order settled it: ${contenders.join('; ')}${rest}`,
  }
}

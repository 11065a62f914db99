import type { Session } from '../engine/engine.ts'
import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import { withPath } from './file-list.ts'
import type { FileGroup, ReadColumn } from './format.ts'
import { triedText, type ValueRules } from './values.ts'

/** Columns that are read as texts, those of other types among them, and how a text is taken for a value. */
export interface Texts {
  readonly columns: readonly ReadColumn[]
  readonly typed: readonly ReadColumn[]
  readonly rules: ValueRules
}

/** A query of the path of each file with a value that does not fit; `read` gives the columns as texts, as for `withPath`. */
export function filesWithBadValues(group: FileGroup, { columns, typed, rules }: Texts, read: (options: readonly Sql[]) => Sql): Sql {
  const bad = join([raw('false'), ...typed.map((column) => isBad(column, rules))], ' or ')
  // The hash makes the engine look at every column; what is not used is not decoded.
  const values = sql`(${bad}) as bad, hash(${join(columns.map(({ name }) => id(name)))}) as hash`
  return sql`select __path as path, bit_xor(hash) as hash from (${withPath(group, values, read)}) group by __path having bool_or(bad)`
}

interface BadValue {
  /** From 1. */
  readonly row: bigint
  readonly column: ReadColumn
  readonly value: string
}

/** The first value of a file that does not fit; `rows` has its columns as texts. */
export async function firstBadValue(
  rows: Sql,
  { typed, rules }: Pick<Texts, 'typed' | 'rules'>,
  session: Session,
): Promise<BadValue | undefined> {
  const cases = (of: (column: ReadColumn, index: Sql) => Sql) =>
    join(
      typed.map((column, index) => of(column, raw(String(index)))),
      ' ',
    )
  const which = cases((column, index) => sql`when ${isBad(column, rules)} then ${index}`)
  const value = cases(({ name }, index) => sql`when ${index} then ${id(name)}`)
  const [found] = await session.rows(sql`
    select __row, __which, case __which ${value} end as __value
    from (select *, row_number() over () as __row, case ${which} end as __which from ${rows})
    where __which is not null order by __row limit 1`)
  const column = typed[Number(found?.['__which'] ?? 0)]
  return found && column ? { row: BigInt(String(found['__row'])), column, value: String(found['__value']) } : undefined
}

function isBad({ name, type }: ReadColumn, rules: ValueRules): Sql {
  return sql`(${id(name)} is not null and ${triedText(type, id(name), rules)} is null)`
}

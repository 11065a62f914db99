import type { Session } from '../engine/engine.ts'
import { firstLine } from '../engine/failure.ts'
import { id, inlined, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { type Condition, wrong } from './condition.ts'

/** Files of one header, and where their columns go. */
interface Read {
  readonly group: { readonly columns: readonly { readonly name: string }[] }
  /** Column of the table, by its lower-case name → column of the file. */
  readonly sources: ReadonlyMap<string, string>
}

interface Among {
  readonly rows: Sql
  readonly shape: { readonly columns: readonly Column[]; readonly groups: readonly Read[] }
  readonly table: TableConfig
}

/** Whether a row means delete. The condition sees the columns of the file, and under their names those of the table. */
export function deletesOf(
  { group, sources }: Read,
  condition: Condition | null,
  { rows, shape, table }: Among,
): { readonly from: Sql; readonly isDeleted: Sql } {
  if (condition === null) return { from: rows, isDeleted: raw('false') }
  const own = new Set(group.columns.map(({ name }) => name.toLowerCase()))
  const types = new Map(shape.columns.map(({ name, type }) => [name.toLowerCase(), type]))
  const elsewhere = new Set(shape.groups.flatMap((one) => one.group.columns.map(({ name }) => name.toLowerCase())))
  const more = condition.names.flatMap((name) => {
    const source = sources.get(name)
    if (own.has(name)) return []
    if (source !== undefined) return [sql`${id(source)} as ${id(name)}`]
    if (types.has(name) || elsewhere.has(name)) return [sql`null::${raw(types.get(name) ?? 'VARCHAR')} as ${id(name)}`]
    throw wrong(table, `neither the files nor the table have a column ${name}`)
  })
  return {
    from: sql`select ${join([raw('*'), ...more])} from (${rows})`,
    isDeleted: sql`coalesce((${condition.expression})::boolean, false)`,
  }
}

/** A condition of the config that the engine cannot take is nobody's file's fault. */
export async function checkDeletes(
  query: Sql,
  { deletes }: { readonly deletes: Condition | null | undefined },
  { table, session }: { readonly table: TableConfig; readonly session: Session },
): Promise<void> {
  if (deletes === undefined || deletes === null) return
  try {
    await session.rows(inlined(sql`describe ${query}`))
  } catch (error) {
    if (error instanceof Error && /^(Binder|Catalog) Error/.test(error.message)) throw wrong(table, firstLine(error.message))
    throw error
  }
}

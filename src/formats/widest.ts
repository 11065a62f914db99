import { join, raw, sql } from '../engine/sql.ts'
import { storableType } from '../model/storable-type.ts'
import type { FormatContext } from './format.ts'

/** One type for a column whose files say several, as the engine unifies them. */
export async function widest(types: readonly string[], session: FormatContext['session']): Promise<string> {
  const storable = [...new Set(types.map(storableType))]
  const [only] = storable
  if (only !== undefined && storable.length === 1) return only
  const nulls = join(
    storable.map((type) => sql`select null::${raw(type)} as value`),
    ' union all ',
  )
  try {
    const [described] = await session.rows(sql`select any_value(typeof(value)) as type from (${nulls})`)
    return storableType(String(described?.['type'] ?? 'VARCHAR'))
  } catch {
    // Types without a common one: the first stands, and the files of the others are refused by it.
    return only ?? 'VARCHAR'
  }
}

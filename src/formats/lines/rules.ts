import { join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileGroup } from '../format.ts'
import type { LineReading } from './reading.ts'

/** What a table makes of the lines of its files. */
export interface LineRules {
  /** Names of the columns; null where the line before the records tells them, which `namesIn` takes apart. */
  readonly names: readonly string[] | null
  readonly reading: LineReading
  namesIn(header: string): readonly string[]
  /** The text of a column, by its position. */
  field(line: Sql, position: number): Sql
  /** Whether a line, which is no comment, has all that a record has. */
  fits(line: Sql): Sql
  /** A line that does not fit is passed over instead of failing its file. */
  readonly passesOver: boolean
  /** By what rule a line that does not fit is rejected, and why. */
  readonly misfit: { readonly rule: string; readonly reason: string }
  /** What is wrong with a line that does not fit. */
  problem(line: string): string
}

/** Texts of the columns; an empty one is null, like those that `null_values` names. */
export function textsOf(group: FileGroup, rules: LineRules): readonly { readonly name: string; readonly text: Sql }[] {
  const nulls = join(['', ...rules.reading.nulls].map((text) => literal(text)))
  return group.columns.map(({ name }, position) => {
    const text = rules.field(raw('line'), position)
    return { name, text: sql`case when ${text} not in (${nulls}) then ${text} end` }
  })
}

/** Whether a line is a record: no comment, and none that is passed over. */
export function isRecord({ reading, passesOver, fits }: LineRules): Sql {
  const records = isLine(reading)
  return passesOver ? sql`${records} and ${fits(raw('line'))}` : records
}

/** Whether a line is no comment. */
export function isLine({ comment }: LineReading): Sql {
  return comment === '' ? raw('true') : sql`not starts_with(line, ${literal(comment)})`
}

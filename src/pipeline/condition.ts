import type { Session } from '../engine/engine.ts'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'

/** A condition of the config, as an expression that stands in a query. */
export interface Condition {
  readonly expression: Sql
  /** Names that it takes for columns, in lower case. */
  readonly names: readonly string[]
}

/** Kinds of expressions that look beyond their row. */
const FOREIGN = ['SUBQUERY', 'WINDOW', 'STAR', 'PARAMETER', 'POSITIONAL_REFERENCE']

/**
 * Reads `delete_when`. The engine's own parser says what it is, so that nothing but one expression over the columns of a row
 * ever becomes part of a statement.
 */
export async function deleteCondition(table: TableConfig, session: Session): Promise<Condition | null> {
  const text = table.keyed.deleteWhen
  if (text === null) return null
  const wrapped = `select (\n${text}\n)`
  const [row] = await session.rows(sql`select json_serialize_sql(${wrapped}::varchar)::varchar as parsed`)
  // Decoder: the engine's own description of a statement.
  const parsed = JSON.parse(String(row?.['parsed'])) as { readonly error: boolean; readonly error_message?: string }
  if (parsed.error) throw wrong(table, parsed.error_message ?? 'it cannot be parsed')
  const node = onlyExpression(parsed)
  if (node === undefined) throw wrong(table, 'it is more than one condition')
  const names = new Set<string>()
  const foreign = visit(node, names)
  if (foreign !== undefined) throw wrong(table, `${foreign.toLowerCase().replaceAll('_', ' ')} is not possible here`)
  return { expression: raw(`(\n${text}\n)`), names: [...names] }
}

export function wrong({ name }: TableConfig, reason: string): TableError {
  return new TableError('ING-TABLE-CONDITION', `${name}: delete_when: ${reason}`, { hint: `write a condition on columns, as op = 'D'` })
}

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The expression of `select (…)`, where the statement is nothing else. */
function onlyExpression(parsed: Json): Json | undefined {
  const statements = parsed['statements']
  if (!Array.isArray(statements) || statements.length !== 1 || !isObject(statements[0])) return undefined
  const node = statements[0]['node']
  if (!isObject(node) || node['type'] !== 'SELECT_NODE') return undefined
  const { select_list: list, from_table: from, ...rest } = node
  if (!Array.isArray(list) || list.length !== 1 || !isObject(list[0]) || !isObject(from) || from['type'] !== 'EMPTY') return undefined
  const isBare =
    ['where_clause', 'having', 'sample', 'qualify'].every((part) => rest[part] === null) &&
    isEmpty(rest['modifiers']) &&
    isEmpty(rest['group_expressions'])
  return isBare ? list[0] : undefined
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** Collects the names of columns; the class of an expression that is not possible, if there is one. */
function visit(value: unknown, names: Set<string>): string | undefined {
  if (Array.isArray(value)) return value.map((part) => visit(part, names)).find((found) => found !== undefined)
  if (!isObject(value)) return undefined
  const kind = String(value['class'] ?? '')
  if (FOREIGN.includes(kind)) return kind
  const parts = value['column_names']
  if (kind === 'COLUMN_REF' && Array.isArray(parts)) names.add(String(parts[0]).toLowerCase())
  return visit(Object.values(value), names)
}

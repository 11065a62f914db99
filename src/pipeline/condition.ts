import type { Session } from '../engine/engine.ts'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import { everyNode, functionsIn, isEmpty, isObject, type Json, listOf, offsetOf, placeAt, refusedFunction } from './parsed-sql.ts'

/** A condition of the config, as an expression that stands in a query. */
export interface Condition {
  readonly expression: Sql
  /** Names that it takes for columns, in lower case. */
  readonly names: readonly string[]
}

/** An error of a condition; `at` is ` line 1, column 5`, or empty. */
export type WrongCondition = (reason: string, at: string) => Error

/** Kinds of expressions that look beyond their row. */
const FOREIGN = ['SUBQUERY', 'WINDOW', 'STAR', 'PARAMETER', 'POSITIONAL_REFERENCE']

const BEFORE = 'select (\n'

/**
 * Reads a condition on the columns of a row. The engine's own parser says what it is, so that nothing but one expression, which gives
 * the same each time, ever becomes part of a statement.
 */
export async function parseCondition(text: string, session: Session, wrong: WrongCondition): Promise<Condition> {
  const place = (offset: number) => placeAt(text, offset - BEFORE.length)
  const [row] = await session.rows(sql`select json_serialize_sql(${`${BEFORE}${text}\n)`}::varchar)::varchar as parsed`)
  // Decoder: the engine's own description of a statement.
  const parsed = JSON.parse(String(row?.['parsed'])) as Json
  if (parsed['error'] === true) {
    const offset = Number(parsed['position'] ?? Number.NaN)
    const end = BEFORE.length + Buffer.byteLength(text)
    // What stands behind it is no text of the user.
    if (offset > end) throw wrong('syntax error at its end', place(end))
    throw wrong(String(parsed['error_message'] ?? 'it cannot be parsed'), place(offset))
  }
  const node = onlyExpression(parsed)
  if (node === undefined) throw wrong('it is more than one condition', '')
  const functions = await functionsIn(node, session)
  const names = new Set<string>()
  everyNode(node, (part) => {
    const kind = String(part['class'] ?? '')
    const refused = FOREIGN.includes(kind)
      ? `${kind.toLowerCase().replaceAll('_', ' ')} is not possible here`
      : kind === 'FUNCTION'
        ? refusedFunction(part, functions)
        : undefined
    if (refused !== undefined) throw wrong(refused, place(offsetOf(part)))
    const parts = listOf(part['column_names'])
    if (kind === 'COLUMN_REF' && parts.length > 0) names.add(String(parts[0]).toLowerCase())
  })
  return { expression: raw(`(\n${text}\n)`), names: [...names] }
}

/** Reads `delete_when`. */
export async function deleteCondition(table: TableConfig, session: Session): Promise<Condition | null> {
  const text = table.keyed.deleteWhen
  return text === null ? null : parseCondition(text, session, (reason, at) => wrong(table, reason, at))
}

export function wrong({ name }: TableConfig, reason: string, at = ''): TableError {
  return new TableError('ING-TABLE-CONDITION', `${name}: delete_when${at}: ${reason}`, {
    hint: `write a condition on columns, as op = 'D'`,
  })
}

/** The expression of `select (…)`, where the statement is nothing else. */
function onlyExpression(parsed: Json): Json | undefined {
  const statements = listOf(parsed['statements'])
  const [only] = statements
  if (statements.length !== 1 || !isObject(only)) return undefined
  const node = only['node']
  if (!isObject(node) || node['type'] !== 'SELECT_NODE') return undefined
  const { select_list: list, from_table: from, ...rest } = node
  if (!Array.isArray(list) || list.length !== 1 || !isObject(list[0]) || !isObject(from) || from['type'] !== 'EMPTY') return undefined
  const isBare =
    ['where_clause', 'having', 'sample', 'qualify'].every((part) => rest[part] === null) &&
    isEmpty(rest['modifiers']) &&
    isEmpty(rest['group_expressions'])
  return isBare ? list[0] : undefined
}

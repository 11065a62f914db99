import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'

/** A part of the engine's own description of a statement. */
export type Json = Readonly<Record<string, unknown>>

/** Functions that tell what is not in the rows; those that the engine calls volatile are refused beside them. */
const FOREIGN = [
  'getvariable',
  'current_setting',
  'getenv',
  'current_user',
  'current_role',
  'session_user',
  'current_database',
  'txid_current',
]
/** Volatile, and of use: it fails the file. */
const ALLOWED = ['error']

export interface FunctionKinds {
  readonly volatile: ReadonlySet<string>
  /** Those that give one value for one row. */
  readonly scalar: ReadonlySet<string>
}

/** Kinds of the functions that a statement calls. */
export async function functionsIn(statement: Json, session: Session): Promise<FunctionKinds> {
  const names = new Set<string>()
  everyNode(statement, (node) => {
    if (node['class'] === 'FUNCTION') names.add(String(node['function_name']).toLowerCase())
  })
  if (names.size === 0) return { volatile: new Set(), scalar: new Set() }
  const rows = await session.rows(sql`select lower(function_name) as name, bool_or(stability = 'VOLATILE') as volatile,
    bool_and(function_type = 'scalar') as scalar from duckdb_functions()
    where list_contains(string_split(${[...names].join('\n')}, chr(10)), lower(function_name)) group by 1`)
  const of = (key: string) => new Set(rows.filter((row) => row[key] === true).map(({ name }) => String(name)))
  return { volatile: of('volatile'), scalar: of('scalar') }
}

/** Why a function cannot be called: it tells what is not in the rows, or another value each time. */
export function refusedFunction(node: Json, { volatile }: FunctionKinds): string | undefined {
  const name = String(node['function_name']).toLowerCase()
  if (FOREIGN.includes(name)) return `${name} is not possible here: it tells what is not in the rows`
  return volatile.has(name) && !ALLOWED.includes(name) ? `${name} is not possible here: it gives another value each time` : undefined
}

export function everyNode(value: unknown, visit: (node: Json) => void): void {
  if (Array.isArray(value)) {
    for (const part of value) everyNode(part, visit)
    return
  }
  if (!isObject(value)) return
  visit(value)
  for (const part of Object.values(value)) everyNode(part, visit)
}

/** A map; numbers are objects of a class here. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('isLosslessNumber' in value)
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function isEmpty(value: unknown): boolean {
  return listOf(value).length === 0
}

/** Where a node stands in its text; NaN where the engine does not say. */
export function offsetOf(node: Json): number {
  return Number(String(node['query_location'] ?? Number.NaN))
}

/** Where an expression begins. */
export function firstOffset(expression: unknown): number {
  let least = Number.POSITIVE_INFINITY
  everyNode(expression, (node) => {
    const offset = offsetOf(node)
    // The engine has no place for some nodes, and writes the largest number then.
    if (Number.isSafeInteger(offset)) least = Math.min(least, offset)
  })
  return least
}

/** ` line 3, column 7` of a byte of a text; empty where it is not known. */
export function placeAt(text: string, offset: number): string {
  const bytes = Buffer.from(text, 'utf8')
  if (!Number.isInteger(offset) || offset < 0 || offset > bytes.length) return ''
  const before = bytes.subarray(0, offset).toString('utf8').split('\n')
  return ` line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}

/** The place that an error of the engine points at, in the text of the query that follows one line. */
export function placeIn(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : ''
  const [, number, shown = '', marker = ''] = /\nLINE (\d+): (.*)\n( *)\^/.exec(message) ?? []
  if (number === undefined) return ''
  const line = Number(number) - 2
  const excerpt = shown.replace(/^\.\.\./, '').replace(/\.\.\.$/, '')
  const cut = shown.length - shown.replace(/^\.\.\./, '').length
  const column = marker.length - `LINE ${number}: `.length - cut
  const lines = text.split('\n')
  const start = (lines[line] ?? '').indexOf(excerpt)
  if (start < 0) return ` line ${line + 1}`
  const before = [...lines.slice(0, line), (lines[line] ?? '').slice(0, start + column)].join('\n')
  return placeAt(text, Buffer.byteLength(before))
}

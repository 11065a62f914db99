import { parse, stringify } from 'lossless-json'
import type { Session } from '../engine/engine.ts'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig, TransformConfig } from '../model/table.ts'
import {
  everyNode,
  type FunctionKinds,
  firstOffset,
  functionsIn,
  isEmpty,
  isObject,
  type Json,
  listOf,
  offsetOf,
  placeAt,
  refusedFunction,
} from './parsed-sql.ts'

/** The query of a transform, read by the engine's own parser. */
export interface TransformQuery {
  /** The query with its parameters in place, over `records`. */
  readonly query: Sql
  /** The same with `__path` and `__index` of each row passed on, where each row comes from one row of `records`; else null. */
  readonly rowByRow: Sql | null
  /** Whether each row of `records` gives exactly one. */
  readonly keepsRows: boolean
  /** Queries over `records` that hold one expression of it each, with its place: whichever fails is to blame. */
  parts(): Promise<readonly { readonly query: Sql; readonly place: string }[]>
}

/** What a query may read: the engine is not asked for files, settings or other tables. */
const RELATIONS = ['SUBQUERY', 'JOIN', 'EXPRESSION_LIST', 'EMPTY', 'PIVOT']
const FUNCTIONS = ['unnest', 'range', 'generate_series']
/** Expressions that look at one row alone. */
const PLAIN = [
  'COLUMN_REF',
  'CONSTANT',
  'FUNCTION',
  'COMPARISON',
  'CONJUNCTION',
  'CASE',
  'CAST',
  'OPERATOR',
  'BETWEEN',
  'LAMBDA',
  'LAMBDA_REF',
  'COLLATE',
  'STAR',
]
const OWN = ['__path', '__index']

/**
 * Parses a transform. What comes out is written by the engine from the tree that it read, with the values of parameters as constants
 * of that tree, so that nothing but one query over `records` ever becomes part of a statement.
 */
export async function parseTransform(table: TableConfig, transform: TransformConfig, session: Session): Promise<TransformQuery> {
  const reading = new Reading(table, transform)
  const [row] = await session.rows(sql`select json_serialize_sql(${transform.sql}::varchar)::varchar as parsed`)
  const parsed = reading.decoded(String(row?.['parsed']))
  if (parsed['error'] === true) {
    const isOther = parsed['error_type'] === 'not implemented'
    throw reading.wrong(isOther ? 'it must be a SELECT' : String(parsed['error_message']), Number(parsed['position'] ?? Number.NaN))
  }
  const statements = listOf(parsed['statements'])
  const [statement] = statements
  if (statements.length !== 1 || !isObject(statement)) throw reading.wrong('it is more than one query')
  const functions = await functionsIn(statement, session)
  reading.check(statement, functions)
  const bound = reading.bound(statement)
  if (!isObject(bound) || !isObject(bound['node'])) throw reading.wrong('it is no query')
  const node = bound['node']
  const isRowByRow = looksAtOneRow(node, functions)
  const render = async (tree: Json) => {
    const text = stringify({ error: false, statements: [{ ...bound, node: tree, named_param_map: [] }] }) ?? ''
    const [rendered] = await session.rows(sql`select json_deserialize_sql(${text}::json)::varchar as text`)
    return raw(String(rendered?.['text']).replace(/;\s*$/, ''))
  }
  return {
    query: await render(node),
    rowByRow: isRowByRow ? await render(withOwn(node)) : null,
    keepsRows: isRowByRow && (node['where_clause'] ?? null) === null,
    parts: async () => {
      const parts: { query: Sql; place: string }[] = []
      for (const { tree, place } of isRowByRow ? partsOf(node, transform.sql) : []) parts.push({ query: await render(tree), place })
      return parts
    },
  }
}

/** The condition first, since only rows that it lets pass reach the expressions. */
function partsOf(node: Json, text: string): readonly { readonly tree: Json; readonly place: string }[] {
  const condition = node['where_clause']
  const expressions = listOf(node['select_list']).filter((one) => isObject(one) && one['class'] !== 'STAR')
  const trees = expressions.map((one) => ({ one, tree: { ...node, select_list: [one] } }))
  const first = isObject(condition) ? [{ one: condition, tree: { ...node, select_list: [condition], where_clause: null } }] : []
  return [...first, ...trees].map(({ one, tree }) => ({ tree, place: placeAt(text, firstOffset(one)) }))
}

/** An error of a transform, with the place in its query. */
export function transformError(table: TableConfig, { place }: TransformConfig, reason: string, at: string): TableError {
  return new TableError('ING-TABLE-TRANSFORM', `${table.name}: ${place}${at}: ${reason}`, {
    hint: 'write one query over records, as: select * from records where amount > $minimum',
  })
}

class Reading {
  readonly #table: TableConfig
  readonly #transform: TransformConfig
  readonly #used = new Set<string>()

  constructor(table: TableConfig, transform: TransformConfig) {
    this.#table = table
    this.#transform = transform
  }

  wrong(reason: string, offset = Number.NaN): TableError {
    return transformError(this.#table, this.#transform, reason, placeAt(this.#transform.sql, offset))
  }

  /** Numbers keep all of their digits. */
  decoded(text: string): Json {
    try {
      const value: unknown = parse(text)
      if (isObject(value)) return value
    } catch {
      // A constant that JSON cannot hold, as 1e400.
    }
    throw this.wrong('it cannot be parsed')
  }

  /** Refuses what reads more than `records`, and whatever gives other values each time. */
  check(statement: Json, kinds: FunctionKinds): void {
    const known = new Set(['records', ...namesOfQueries(statement)])
    everyNode(statement, (node) => {
      const refused = this.#refusedRelation(node, known) ?? this.#refusedExpression(node, kinds)
      if (refused !== undefined) throw this.wrong(refused, offsetOf(node))
    })
  }

  /** The statement with the values of its parameters. */
  bound(value: unknown): unknown {
    const result = this.#boundIn(value)
    const unused = Object.keys(this.#transform.params).find((name) => !this.#used.has(name))
    if (unused !== undefined) throw this.wrong(`params.${unused} is not used in it`)
    return result
  }

  #refusedRelation(node: Json, known: ReadonlySet<string>): string | undefined {
    if ('sample' in node && node['sample'] !== null) return 'a sample is another one each time'
    const type = String(node['type'] ?? '')
    if (type === 'BASE_TABLE') return refusedTable(node, known)
    if (type === 'TABLE_FUNCTION') {
      const called = node['function']
      const name = isObject(called) ? String(called['function_name']) : 'this'
      return FUNCTIONS.includes(name.toLowerCase()) ? undefined : `${name} is not possible here: only records can be read`
    }
    // What else stands behind FROM has a type of its own and no class.
    const isRelation = node['class'] === undefined && (type.endsWith('_REF') || 'table_name' in node)
    return isRelation && !RELATIONS.includes(type) ? 'only records can be read' : undefined
  }

  #refusedExpression(node: Json, kinds: FunctionKinds): string | undefined {
    if (node['class'] === 'COLUMN_REF') {
      const name = String(listOf(node['column_names']).at(-1))
      return OWN.includes(name.toLowerCase()) ? `there is no column ${name}` : undefined
    }
    if (node['class'] !== 'FUNCTION') return undefined
    return refusedFunction(node, kinds)
  }

  #boundIn(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((part) => this.#boundIn(part))
    if (!isObject(value)) return value
    if (value['class'] === 'PARAMETER') return asWritten(this.#constant(value))
    if (value['class'] === 'CONSTANT') return asWritten(value)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.#boundIn(part)]))
  }

  #constant(node: Json): Json {
    const name = String(node['identifier'])
    const { params } = this.#transform
    if (/^\d+$/.test(name)) throw this.wrong('parameters are written $name, with their values under params')
    if (!Object.hasOwn(params, name)) throw this.wrong(`params has no ${name}, which the query asks for as $${name}`)
    this.#used.add(name)
    return { ...node, class: 'CONSTANT', type: 'VALUE_CONSTANT', identifier: undefined, value: constantOf(params[name] ?? null) }
  }
}

/** The engine writes 1.5e0 as 1.5, which would be a decimal. */
function asWritten(constant: Json): Json {
  const value = constant['value']
  const isDouble = isObject(value) && isObject(value['type']) && value['type']['id'] === 'DOUBLE'
  if (!isDouble) return constant
  const { alias, query_location } = constant
  const type = { id: 'DOUBLE', type_info: null }
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias,
    query_location,
    child: { ...constant, alias: '' },
    cast_type: type,
    try_cast: false,
  }
}

function refusedTable(node: Json, known: ReadonlySet<string>): string | undefined {
  const name = String(node['table_name'])
  const isPlain = node['schema_name'] === '' && node['catalog_name'] === '' && node['at_clause'] === null
  return isPlain && known.has(name.toLowerCase()) ? undefined : `there is no relation ${JSON.stringify(name)}: only records can be read`
}

function constantOf(value: string | number | boolean | null): Json {
  if (value === null) return { type: { id: 'NULL', type_info: null }, is_null: true }
  const number = Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE'
  const type = typeof value === 'string' ? 'VARCHAR' : typeof value === 'boolean' ? 'BOOLEAN' : number
  return { type: { id: type, type_info: null }, is_null: false, value }
}

/** A name that the engine never takes for a file, wherever it stands. */
const QUERY_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u

/** Names of the queries of `with`. */
function namesOfQueries(statement: Json): readonly string[] {
  const names: string[] = []
  everyNode(statement, (node) => {
    const map = node['cte_map']
    if (isObject(map))
      for (const entry of listOf(map['map']))
        if (isObject(entry) && QUERY_NAME.test(String(entry['key']))) names.push(String(entry['key']).toLowerCase())
  })
  return names
}

/** Whether each row of a query comes from one row of `records`: `select … from records where …`, without anything that looks at several. */
function looksAtOneRow(node: Json, { scalar }: FunctionKinds): boolean {
  const from = node['from_table']
  const isOverRecords =
    isObject(from) &&
    from['type'] === 'BASE_TABLE' &&
    String(from['table_name']).toLowerCase() === 'records' &&
    isEmpty(from['column_name_alias'])
  const isBare =
    node['type'] === 'SELECT_NODE' &&
    isObject(node['cte_map']) &&
    isEmpty(node['cte_map']['map']) &&
    ['modifiers', 'group_expressions', 'group_sets'].every((part) => isEmpty(node[part])) &&
    ['having', 'sample', 'qualify'].every((part) => (node[part] ?? null) === null) &&
    node['aggregate_handling'] === 'STANDARD_HANDLING'
  if (!isOverRecords || !isBare) return false
  let isPlain = true
  everyNode({ list: node['select_list'], where: node['where_clause'] }, (part) => {
    const kind = part['class']
    if (kind === undefined) return
    const isKnown =
      PLAIN.includes(String(kind)) &&
      (kind !== 'FUNCTION' || scalar.has(String(part['function_name']).toLowerCase())) &&
      (kind !== 'STAR' || (part['columns'] === false && (part['expr'] ?? null) === null))
    if (!isKnown) isPlain = false
  })
  return isPlain
}

/** The query with the columns that say where a row comes from. */
function withOwn(node: Json): Json {
  const shown = listOf(node['select_list']).map((part) =>
    isObject(part) && part['class'] === 'STAR' ? { ...part, exclude_list: [...listOf(part['exclude_list']), ...OWN] } : part,
  )
  const own = OWN.map((name) => ({ class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', query_location: 0, column_names: [name] }))
  return { ...node, select_list: [...shown, ...own] }
}

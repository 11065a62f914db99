import type { ResolvedConfig } from '../config/config.ts'
import type { Session } from '../engine/engine.ts'
import { id, inlined, sql } from '../engine/sql.ts'
import { ConfigError } from '../errors/errors.ts'
import { changesOf } from './open-table.ts'
import { oneTable } from './select-tables.ts'
import { versionAt } from './table-point.ts'

/** Constants, quoted names and comments, which stay as they are, or a call. */
const CALLS =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\btable_changes\s*\((?:\s*'((?:[^']|'')+)'\s*,\s*(\d+|'[^']*')\s*(?:,\s*(\d+|'[^']*')\s*)?\))?/gi

interface Call {
  readonly table: string
  readonly from: string
  readonly to: string | undefined
}

/**
 * The text with each `table_changes('database.table', from, to)` replaced by a view of what these versions changed. Both
 * ends are included; without the second one it goes to the newest version.
 */
export async function withTableChanges(text: string, config: ResolvedConfig, session: Session): Promise<string> {
  const views = new Map<string, string>()
  for (const [token] of text.matchAll(CALLS)) {
    const call = callIn(token)
    if (call === undefined || views.has(token)) continue
    const table = oneTable(config.tables, call.table)
    const range = { from: versionAt(call.from), ...(call.to === undefined ? {} : { to: versionAt(call.to) }) }
    const name = session.temporaryName('changes')
    await session.run(inlined(sql`create temp view ${id(name)} as ${await changesOf(table, session, range)}`))
    views.set(token, name)
  }
  return text.replace(CALLS, (token) => {
    const name = views.get(token)
    return name === undefined ? token : id(name).text
  })
}

/** ConfigError for a call that is not written so; undefined for what is none. */
function callIn(token: string): Call | undefined {
  if (!/^table_changes/i.test(token)) return undefined
  const [, table, from, to] = new RegExp(CALLS.source, 'i').exec(token) ?? []
  if (table === undefined || from === undefined) {
    throw new ConfigError('ING-QUERY', 'table_changes takes the name of a table, the first version and the last one', [], {
      hint: "write table_changes('database.table', 3, 7), or times: table_changes('database.table', '2024-05-31', '2024-06-01')",
    })
  }
  return { table: table.replaceAll("''", "'"), from: unquoted(from), to: to === undefined ? undefined : unquoted(to) }
}

function unquoted(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1) : text
}

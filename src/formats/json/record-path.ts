import { literal, type Sql, sql } from '../../engine/sql.ts'

/** Where the records of a document are. */
export interface RecordPath {
  /** As the engine takes it: `$."data"."items"`. */
  readonly text: string
  /** Whether it goes through the elements of a list on its way. */
  readonly isMany: boolean
}

const STEP = /\.?([^.[\]"*$]+)|\.?"([^"]*)"|\[(\d+|\*)\]/y

/** `$.data.items[*]`, `data.items` or `$.pages[*].items`; undefined where it is none. The elements of a list at its end are the records. */
export function parseRecordPath(written: string): RecordPath | undefined {
  const path = written.trim().replace(/^\$\.?/, '')
  const steps: string[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const step = STEP.exec(path)
    if (step === null) return undefined
    steps.push(step[3] === undefined ? `."${(step[1] ?? step[2] ?? '').trim()}"` : `[${step[3]}]`)
  }
  if (steps.at(-1) === '[*]') steps.pop()
  return { text: `$${steps.join('')}`, isMany: steps.includes('[*]') }
}

/** What the engine's error says where a document has no records at the path. */
export const NOT_THERE = 'no records at json_path'

/** The records that a document has at the path, as a list of JSON; it fails where something else is there, or nothing. */
export function recordsAt(document: Sql, { text, isMany }: RecordPath): Sql {
  const found = sql`json_extract(${document}, ${literal(text)})`
  if (!isMany) return elementsOf(found)
  return sql`flatten(list_transform(${found}, lambda place: ${elementsOf(sql`place`)}))`
}

function elementsOf(value: Sql): Sql {
  return sql`case json_type(${value}) when 'ARRAY' then json_extract(${value}, '$[*]') when 'OBJECT' then [${value}]
    when 'NULL' then []::json[] else error(${literal(NOT_THERE)})::json[] end`
}

import type { ErrorCode } from '../../errors/codes.ts'
import { FORMATS } from '../../formats/registry.ts'
import { textReading } from '../../lib/encodings.ts'
import { groupsOf, re2Pattern } from '../../lib/pattern-groups.ts'
import { type FieldOption, type FormatName, MEMBER_COLUMN, type OptionValue } from '../../model/table.ts'
import { isTree } from '../input/tree.ts'
import { nearest } from '../nearest.ts'
import { complain, type Desk, type TableDraft } from './draft.ts'

/** The kind of value that an option of a reader takes. */
type OptionKind = (typeof FORMATS)[FormatName]['options'][string]

/** `format_options` by the allow-list of the format; what is wrong becomes an issue and is left out. */
export function formatOptions(draft: TableDraft, format: FormatName, desk: Desk): Readonly<Record<string, OptionValue>> {
  const { options } = FORMATS[format]
  const result: [string, OptionValue][] = []
  for (const [name, written] of Object.entries(draft.input.format_options)) {
    const kind = Object.hasOwn(options, name) ? options[name] : undefined
    if (kind === undefined) {
      const proposal = nearest(name, Object.keys(options))
      const fix = proposal === undefined ? 'remove it' : `did you mean ${proposal}?`
      desk.issues.addKey(desk.places, [...draft.at, 'format_options', name], {
        problem: `${format} has no option ${JSON.stringify(name)}`,
        fix,
        code: 'ING-CONFIG-UNKNOWN-KEY',
      })
      continue
    }
    const { outside, alternative } = desk.places.at([...draft.at, 'format_options', name])
    const value = optionValue(written, kind) ?? (outside ? optionValue(alternative, kind) : undefined)
    if (value !== undefined) result.push([name, value])
    else
      complain(desk, draft, ['format_options', name], {
        problem: `must be ${expected(kind)}`,
        fix: `write for example ${name}: ${example(kind)}`,
        code: 'ING-CONFIG-VALUE',
      })
  }
  const found = Object.fromEntries(result)
  checkOptions(draft, format, found, desk)
  if (options['members'] === undefined) checkNoMembers(draft, format, desk)
  return found
}

/** A step of a path: a name, a quoted name, an index, or all elements. */
const JSON_PATH = /^(?:\$|(?:\$\.?)?(?:[^.[\]"*$]+|"[^"]*"|\[(?:\d+|\*)\]))(?:\.[^.[\]"*$]+|\."[^"]*"|\[(?:\d+|\*)\])*$/

/** `json_path`, where the format has records within documents. */
export function jsonPathOf(draft: TableDraft, format: FormatName, desk: Desk): string | null {
  const { json_path: path } = draft.input
  if (path === null) return null
  const isJson = format === 'json' || format === 'ndjson'
  if (isJson && JSON_PATH.test(path)) return path
  complain(desk, draft, ['json_path'], {
    problem: isJson ? 'is not a path to the records of a document' : `is for json and ndjson, but the files are ${format}`,
    fix: isJson ? 'write for example json_path: $.data.items' : 'remove it',
    code: isJson ? 'ING-CONFIG-VALUE' : 'ING-CONFIG-COMBINATION',
  })
  return null
}

function optionValue(value: unknown, kind: OptionKind): OptionValue | undefined {
  if (typeof kind !== 'string') return kind.find((choice) => choice === value)
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
    case 'strings':
      return texts(typeof value === 'string' ? [value] : value)
    case 'integers':
      return wholeNumbers(value)
    case 'map':
      return textMap(value)
    case 'fields':
      return fieldsOf(value)
  }
}

function wholeNumbers(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.filter((item) => isPosition(item))
  return items.length === value.length && items.length > 0 ? items : undefined
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** Fields with a name each, of which the last alone may lack a width. */
function fieldsOf(value: unknown): readonly FieldOption[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const fields = value.map((field, index) => fieldOf(field, index === value.length - 1)).filter((field) => field !== undefined)
  return fields.length === value.length ? fields : undefined
}

function fieldOf(value: unknown, isLast: boolean): FieldOption | undefined {
  if (!isTree(value) || Object.keys(value).some((key) => !['name', 'start', 'width'].includes(key))) return undefined
  const { name, start, width } = value
  if (typeof name !== 'string' || name === '') return undefined
  if (!(isPosition(start) || start === undefined) || !(isPosition(width) || (width === undefined && isLast))) return undefined
  return { name, ...(start === undefined ? {} : { start }), ...(width === undefined ? {} : { width }) }
}

function texts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.filter((item) => typeof item === 'string')
  return items.length === value.length ? items : undefined
}

function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isTree(value)) return undefined
  const entries = Object.entries(value).flatMap(([key, item]): [string, string][] => (typeof item === 'string' ? [[key, item]] : []))
  return entries.length === Object.keys(value).length ? Object.fromEntries(entries) : undefined
}

const FIELDS = '[{name: id, start: 1, width: 10}]'

/** Files of the format stand in no archives. */
function checkNoMembers(draft: TableDraft, format: FormatName, desk: Desk): void {
  const { metadata_columns: asked } = draft.input
  if (!Array.isArray(asked) || !asked.includes(MEMBER_COLUMN)) return
  complain(desk, draft, ['metadata_columns'], {
    problem: `${format} files have no members, which ${MEMBER_COLUMN} would tell`,
    fix: `remove ${MEMBER_COLUMN}`,
    code: 'ING-CONFIG-COMBINATION',
  })
}

/** What options of a format need beyond their kind. */
function checkOptions(draft: TableDraft, format: FormatName, options: Readonly<Record<string, OptionValue>>, desk: Desk): void {
  const say: Say = (key, problem, fix, code = 'ING-CONFIG-VALUE') => complain(desk, draft, ['format_options', key], { problem, fix, code })
  const { encoding } = options
  if (typeof encoding === 'string' && textReading(encoding) === undefined)
    say('encoding', 'is no encoding that is known', 'write for example utf-8, utf-16, latin-1, windows-1252 or shift_jis')
  if (format === 'fixed_width') checkFields(draft.input.format_options, say)
  if (format === 'regex') checkPattern(draft.input.format_options, options, say)
  if (format === 'xlsx' && typeof options['range'] === 'string' && !RANGE.test(options['range']))
    say('range', 'is no range of cells', 'write for example range: B3, range: B3:F or range: B3:F100')
}

type Say = (key: string, problem: string, fix: string, code?: ErrorCode) => void

const RANGE = /^\$?[A-Z]{1,3}\$?[1-9]\d*(:\$?[A-Z]{1,3}(\$?[1-9]\d*)?)?$/i

function checkFields(written: Readonly<Record<string, unknown>>, say: Say): void {
  const { fields, widths } = written
  if (fields === undefined && widths === undefined)
    say('fields', 'fixed_width needs to know where the fields stand', `add format_options: {fields: ${FIELDS}}`, 'ING-CONFIG-MISSING')
  if (fields !== undefined && widths !== undefined)
    say('widths', 'fields and widths say the same', 'remove one of them', 'ING-CONFIG-COMBINATION')
}

function checkPattern(written: Readonly<Record<string, unknown>>, { pattern }: Readonly<Record<string, OptionValue>>, say: Say): void {
  const fix = "write for example pattern: '(?<at>\\S+) (?<level>\\w+) (?<message>.*)'"
  if (written['pattern'] === undefined) say('pattern', 'regex needs a pattern', fix, 'ING-CONFIG-MISSING')
  if (typeof pattern !== 'string') return
  const names = groupsOf(re2Pattern(pattern)).flatMap((name) => (name === null ? [] : [name.toLowerCase()]))
  if (names.length === 0) say('pattern', 'has no named group', fix)
  else if (new Set(names).size < names.length) say('pattern', 'names two groups the same', fix)
}

function expected(kind: OptionKind): string {
  if (typeof kind !== 'string') return `one of ${kind.join(', ')}`
  return {
    string: 'text',
    boolean: 'true or false',
    integer: 'a whole number of at least 0',
    strings: 'text or a list of text',
    integers: 'a list of whole numbers of at least 1',
    map: 'a map of text',
    fields: 'a list of {name, start, width}, with a width for all but the last',
  }[kind]
}

function example(kind: OptionKind): string {
  if (typeof kind !== 'string') return kind[0] ?? ''
  return {
    string: '";"',
    boolean: 'true',
    integer: '1',
    strings: '["", NULL]',
    integers: '[10, 5]',
    map: '{ id: BIGINT }',
    fields: FIELDS,
  }[kind]
}

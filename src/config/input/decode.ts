import type * as z from 'zod'
import { isSecretKey, redactUrl } from '../../errors/redact.ts'
import type { Finding, IssueList } from '../issues.ts'
import { choicesAt, exampleAt, knownKeysAt } from '../json-schema.ts'
import { nearest } from '../nearest.ts'
import type { Path, Places } from './places.ts'
import { flow } from './scalar.ts'
import { child, isTree, valueAt, withoutValueAt, withValueAt } from './tree.ts'

type ZodIssue = z.core.$ZodIssue

/** What is known of the value that is decoded. */
export interface DecodeContext {
  readonly places: Places
  readonly issues: IssueList
  /** Where it stands in the merged config. */
  readonly at: Path
  /** Where the schema describes it, when that differs. */
  readonly schemaAt?: Path
  /** Stand-ins for required keys, so that the other keys are still checked. */
  readonly standIns?: Readonly<Record<string, unknown>>
}

export interface Decoded<T> {
  readonly value: T
  /** Keys that were wrong; `value` has their defaults. */
  readonly bad: ReadonlySet<string>
}

/**
 * Checks a value against a schema. All problems become issues, and what is right is still decoded, so that the checks
 * that follow find theirs in the same pass. Undefined when nothing could be decoded.
 */
export function decode<T>(schema: z.ZodType<T>, input: unknown, context: DecodeContext): Decoded<T> | undefined {
  const first = schema.safeParse(input)
  if (first.success) return { value: first.data, bad: new Set() }
  const coerced = first.error.issues.reduce((value, issue) => coerce(value, issue, context), input)
  const second = schema.safeParse(coerced)
  if (second.success) return { value: second.data, bad: new Set() }
  const found = second.error.issues.flatMap((issue) => flatten(issue, coerced))
  for (const issue of found) report(issue, coerced, context)
  const bad = new Set(
    found.flatMap(({ path, code, ...rest }) =>
      path.length === 0 && code === 'unrecognized_keys' && 'keys' in rest ? rest.keys : [String(path[0])],
    ),
  )
  const repaired = [...bad].reduce<unknown>((value, key) => {
    const standIns = context.standIns ?? {}
    return Object.hasOwn(standIns, key) ? withValueAt(value, [key], standIns[key]) : withoutValueAt(value, [key])
  }, coerced)
  const third = schema.safeParse(repaired)
  return third.success ? { value: third.data, bad } : undefined
}

/** The text of an environment variable may stand for a number, and what YAML 1.1 and Python write is understood. */
function coerce(value: unknown, issue: ZodIssue, context: DecodeContext): unknown {
  const path = pathOf(issue)
  const found = valueAt(value, path)
  // A key with nothing behind it is not set.
  if (found === null && typeof path.at(-1) === 'string') return withoutValueAt(value, path)
  const place = context.places.at([...context.at, ...path])
  if (place.outside && place.alternative !== undefined) return withValueAt(value, path, place.alternative)
  if (typeof found !== 'string') return value
  const word = found.toLowerCase()
  const takesFlag = issue.code === 'invalid_union' || (issue.code === 'invalid_type' && issue.expected === 'boolean')
  if (takesFlag && ['yes', 'on', 'no', 'off'].includes(word)) return withValueAt(value, path, word === 'yes' || word === 'on')
  if (issue.code !== 'invalid_value') return value
  const renamed = path.at(-1) === 'log_level' ? (PYTHON_LEVELS[word] ?? word) : word
  const choice = issue.values.find((option) => String(option).toLowerCase() === renamed)
  return choice === undefined ? value : withValueAt(value, path, choice)
}

const PYTHON_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'error', fatal: 'error', notset: 'trace' }

/** Within a union a wrong map is told by its own keys: by those of the map that it is nearest to. */
function flatten(issue: ZodIssue, value: unknown): readonly ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const found = valueAt(value, pathOf(issue))
  if (typeof found !== 'object' || found === null) return [issue]
  const [inner] = issue.errors
    .filter((branch) => branch.length > 0 && branch.every((one) => one.path.length > 0 || one.code === 'unrecognized_keys'))
    .toSorted((a, b) => a.length - b.length)
  return inner === undefined ? [issue] : inner.flatMap((one) => flatten({ ...one, path: [...issue.path, ...one.path] }, value))
}

function report(issue: ZodIssue, input: unknown, context: DecodeContext): void {
  const { places, issues, at } = context
  const path = pathOf(issue)
  const schemaPath = [...(context.schemaAt ?? at), ...path]
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) issues.addKey(places, [...at, ...path, key], unknownKey(key, knownKeysAt(schemaPath)))
    return
  }
  const found = valueAt(input, path)
  if (found === undefined && !hasKey(input, path)) {
    const example = shownExample(path, schemaPath)
    issues.add(places, [...at, ...path], {
      problem: 'is required',
      fix: example === undefined ? 'add it' : `add it, for example ${example}`,
      code: 'ING-CONFIG-MISSING',
    })
    return
  }
  issues.add(places, [...at, ...path], wrongValue(issue, { found, schemaPath, path, outside: places.at([...at, ...path]).outside }))
}

const FEW_KEYS = 12

function unknownKey(key: string, known: readonly string[]): Finding {
  const proposal = nearest(key, known)
  // Of a map with few keys all are told: whoever guesses a key guesses another name for it.
  const few = known.length > 0 && known.length <= FEW_KEYS ? `remove it, or write one of ${known.join(', ')}` : 'remove it'
  return { problem: 'unknown key', fix: proposal === undefined ? few : `did you mean ${proposal}?`, code: 'ING-CONFIG-UNKNOWN-KEY' }
}

interface Wrong {
  readonly found: unknown
  readonly path: Path
  readonly schemaPath: Path
  readonly outside: boolean
}

function wrongValue(issue: ZodIssue, { found, path, schemaPath, outside }: Wrong): Finding {
  const isHidden = outside || path.some((key) => typeof key === 'string' && isSecretKey(key))
  const problem =
    issue.code === 'invalid_key'
      ? 'a name here must be text that is not empty'
      : `must be ${expectation(issue)}, is ${isHidden ? kindOf(found) : shown(found)}`
  const choices = issue.code === 'invalid_value' ? issue.values.map(String) : choicesAt(schemaPath)
  const choice = typeof found === 'string' && !isHidden ? nearest(found, choices) : undefined
  if (choice !== undefined) return { problem, fix: `did you mean ${choice}?`, code: 'ING-CONFIG-VALUE' }
  const example = shownExample(path, schemaPath)
  return { problem, fix: example === undefined ? 'write that instead' : `write for example ${example}`, code: 'ING-CONFIG-VALUE' }
}

function expectation(issue: ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    const words: Readonly<Record<string, string>> = {
      object: 'a map of keys',
      record: 'a map',
      array: 'a list',
      string: 'text',
      boolean: 'true or false',
      number: 'a number',
    }
    return words[issue.expected] ?? issue.expected
  }
  return issue.message
}

function shownExample(path: Path, schemaPath: Path): string | undefined {
  const example = exampleAt(schemaPath)
  if (example === undefined || example === null) return undefined
  const key = path.findLast((part) => typeof part === 'string')
  const text = flow(example)
  return typeof path.at(-1) === 'number' || key === undefined ? text : `${key}: ${text}`
}

function shown(value: unknown): string {
  if (value === null) return 'empty'
  if (typeof value === 'string') {
    const text = redactUrl(value)
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (isTree(value)) return 'a map'
  if (value === null) return 'empty'
  return typeof value === 'string' ? 'other text' : `a ${typeof value}`
}

function pathOf(issue: ZodIssue): Path {
  return issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
}

function hasKey(input: unknown, path: Path): boolean {
  const parent = valueAt(input, path.slice(0, -1))
  const last = path.at(-1)
  return last === undefined || child(parent, last) !== undefined || (isTree(parent) && Object.hasOwn(parent, last))
}

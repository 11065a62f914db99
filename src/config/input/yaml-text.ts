import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { IssueList } from '../issues.ts'
import { keyOf, type Path, type Place, type Places } from './places.ts'

/** Nesting beyond this is no config; the limit keeps the walk off the end of the stack. */
const MAX_DEPTH = 64

/** What to do about mistakes whose message does not say it. */
const FIXES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  DUPLICATE_KEY: 'write the key once',
}

export interface YamlSource {
  /** The name that issues carry. */
  readonly name: string
  readonly text: string
}

/** The value of a YAML (or JSON) text; problems go to `issues`, and the answer is undefined. */
export function readYaml(source: YamlSource, issues: IssueList): ParsedYaml | undefined {
  const lines = new LineCounter()
  const complain = (offset: number, problem: string, fix = 'mend the YAML here'): undefined => {
    const { line, col } = lines.linePos(offset)
    issues.addAt(
      { file: source.name, line: Math.max(line, 1), column: Math.max(col, 1), key: '' },
      { problem, fix, code: 'ING-CONFIG-SYNTAX' },
    )
    return undefined
  }
  try {
    const document = parseDocument(source.text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      logLevel: 'silent',
      stringKeys: true,
    })
    if (document.errors.length > 0) {
      for (const error of document.errors) complain(error.pos[0], firstLine(error.message), FIXES[error.code])
      return undefined
    }
    const tagged = document.warnings[0]
    if (tagged !== undefined) return complain(tagged.pos[0], firstLine(tagged.message))
    if (depthOf(document.contents) > MAX_DEPTH) return complain(0, `the config is nested more than ${MAX_DEPTH} levels deep`)
    const value: unknown = document.toJS({ maxAliasCount: 1000 })
    return { value, record: (places, prefix, within) => recordPlaces({ source, lines, places, prefix }, document.contents, within) }
  } catch (error) {
    // The parser itself gives up: too many aliases, or a nesting that no config has.
    return complain(0, `the text cannot be read as YAML: ${firstLine(error instanceof Error ? error.message : String(error))}`)
  }
}

export interface ParsedYaml {
  readonly value: unknown
  /** Records where each value below `within` was written, under `prefix`. */
  record(places: Places, prefix: Path, within: Path): void
}

interface Recording {
  readonly source: YamlSource
  readonly lines: LineCounter
  readonly places: Places
  /** Path of the recorded part in the merged config. */
  readonly prefix: Path
}

function recordPlaces(recording: Recording, contents: Node | null, within: Path): void {
  const start = within.reduce<unknown>((node, key) => (isMap(node) || isSeq(node) ? node.get(key, true) : undefined), contents)
  walk(recording, start, { path: [], key: keyOf(within), keyNode: undefined })
}

interface Spot {
  readonly path: Path
  readonly key: string
  readonly keyNode: unknown
}

function walk(recording: Recording, node: unknown, spot: Spot): void {
  recording.places.set([...recording.prefix, ...spot.path], placeOf(recording, node, spot))
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : undefined
      if (key !== undefined) walk(recording, pair.value, { path: [...spot.path, key], key: keyOf([key], spot.key), keyNode: pair.key })
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries())
      walk(recording, item, { path: [...spot.path, index], key: keyOf([index], spot.key), keyNode: item })
  }
}

function placeOf(recording: Recording, node: unknown, spot: Spot): Place {
  const value = position(recording, node) ?? position(recording, spot.keyNode) ?? { line: 1, col: 1 }
  const key = position(recording, spot.keyNode) ?? value
  return {
    file: recording.source.name,
    line: value.line,
    column: value.col,
    keyLine: key.line,
    keyColumn: key.col,
    key: spot.key,
    outside: false,
  }
}

function position(recording: Recording, node: unknown): { readonly line: number; readonly col: number } | undefined {
  if (!isNode(node)) return undefined
  const offset = node.range?.[0]
  return offset === undefined ? undefined : recording.lines.linePos(offset)
}

function depthOf(node: unknown): number {
  let level: readonly unknown[] = [node]
  let depth = 0
  while (level.length > 0 && depth <= MAX_DEPTH) {
    level = level.flatMap((item) => (isMap(item) ? item.items.map((pair) => pair.value) : isSeq(item) ? item.items : []))
    depth += 1
  }
  return depth
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/[.:]$/, '')
}

import { flow } from './input/scalar.ts'
import { child, isTree, type Tree } from './input/tree.ts'
import { branches, mapOf, plainSchema } from './json-schema.ts'

const WIDTH = 120

const HEAD = `# Every key of ingestd's config with what it does. Keys that are written out have their default value;
# those behind a # have none, and show what could be written. Only tables with table_name and
# source_path_pattern are required. Texts take \${NAME}, \${NAME:-default}, \${file:path} and \${cmd:command}.
`

const LEAST_TABLE = `
  # This is all that a table needs.
  - table_name: orders
    source_path_pattern: orders/**/*.parquet
`

/** The text of `config.example.yaml`, written from the schema so that it cannot fall behind. */
export function exampleConfig(): string {
  const properties = mapOf(plainSchema(), 'properties')
  const blocks = Object.entries(properties)
    .filter(([key]) => key !== 'tables')
    .flatMap(([key, node]) => (isTree(node) ? [keyBlock(key, key === 'defaults' ? asValue(node) : node)] : []))
  const tables = child(properties, 'tables')
  const table = child(tables, 'items')
  const item = isTree(table) ? indented(itemBlock(table)) : []
  const lines = [...blocks.flatMap((block) => ['', ...block]), '', ...comment(sentenceOf(tables)), 'tables:', ...item]
  return `${HEAD}${lines.join('\n')}\n${LEAST_TABLE}`
}

/** A key with its sentence above it; behind a `#` where it has no default. */
function keyBlock(key: string, node: Tree): readonly string[] {
  const [first = '', ...rest] = valueLines(key, node)
  // A map whose keys are all behind a # would be empty.
  const isEmpty = rest.length > 0 && rest.every((line) => line.trimStart().startsWith('#'))
  const lines = isActive(node) && !isEmpty ? [first, ...rest] : [first, ...rest].map((line) => `# ${line}`)
  return [...comment(sentenceOf(node)), ...lines]
}

function valueLines(key: string, node: Tree): readonly string[] {
  const branch = branches(node).find((one) => child(one, 'properties') !== undefined)
  const choices = child(child(node, 'additionalProperties'), 'oneOf') ?? child(child(node, 'additionalProperties'), 'anyOf')
  if (Array.isArray(choices)) return [`${key}:`, ...choices.filter(isTree).flatMap((choice) => indented(namedBlock(choice)))]
  const isAlternative = branch !== undefined && branch !== node && child(node, 'default') !== undefined && child(node, 'default') !== null
  if (branch !== undefined && !isAlternative) return [`${key}:`, ...indented(mapBlock(branch))]
  const items = child(node, 'items')
  const kinds = isTree(items) ? branches(items).filter((one) => child(one, 'properties') !== undefined) : []
  if (kinds.length > 0) return [`${key}:`, ...kinds.flatMap((kind) => indented(itemBlock(kind)))]
  return [`${key}: ${flow(shownValue(node))}`]
}

/** A named entry of a map, as a connection: named after its type. */
function namedBlock(node: Tree): readonly string[] {
  const type = child(mapOf(node, 'properties'), 'type')
  return [`my_${String(child(type, 'const'))}:`, ...indented(mapBlock(node))]
}

function mapBlock(node: Tree): readonly string[] {
  const required = child(node, 'required')
  const names: readonly unknown[] = Array.isArray(required) ? required : []
  return Object.entries(mapOf(node, 'properties')).flatMap(([key, inner]) => {
    if (!isTree(inner)) return []
    return names.includes(key) ? [...comment(sentenceOf(inner)), ...valueLines(key, inner)] : keyBlock(key, inner)
  })
}

/** An item of a list of maps; of each kind that there is. */
function itemBlock(node: Tree): readonly string[] {
  const lines = mapBlock(node)
  const first = lines.findIndex((line) => !line.startsWith('#'))
  return lines.map((line, index) => (index < first ? line : index === first ? `- ${line}` : `  ${line}`))
}

function isActive(node: Tree): boolean {
  const standard = child(node, 'default')
  if (standard === undefined || standard === null) return false
  if (Array.isArray(standard)) return standard.length > 0
  return !isTree(standard) || Object.keys(standard).length > 0 || Object.keys(mapOf(node, 'properties')).length > 0
}

function shownValue(node: Tree): unknown {
  if (isActive(node)) return child(node, 'default')
  return child(node, 'example') ?? child(node, 'const') ?? (child(node, 'type') === 'boolean' ? true : child(node, 'default'))
}

/** A map that is shown by its example alone. */
function asValue(node: Tree): Tree {
  return { description: child(node, 'description'), example: child(node, 'example') }
}

function sentenceOf(node: unknown): string {
  const sentence = String(child(node, 'description') ?? '')
  const values = child(node, 'enum')
  const isTold = Array.isArray(values) && values.every((value) => sentence.includes(String(value)))
  return Array.isArray(values) && !isTold ? `${sentence} One of ${values.join(', ')}.` : sentence
}

function comment(sentence: string): readonly string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of sentence.split(' ')) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`)
}

import * as z from 'zod'
import type { Path } from './input/places.ts'
import { child, isTree, type Tree } from './input/tree.ts'
import { configSchema } from './schema.ts'

/** A text that is replaced before it is checked may stand for any value that is not a map or list. */
const REFERENCE = { type: 'string', pattern: '\\$\\{.+\\}' } as const

/** The JSON Schema of the config: editors complete and check with it. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      // Whole numbers without an upper limit of their own.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  return {
    title: 'ingestd config',
    description: 'Config of ingestd, the daemon that turns landing files into Delta tables.',
    ...withReferences(schema),
  }
}

let plain: Tree | undefined

/** The schema without the references: for messages and the example. */
export function plainSchema(): Tree {
  plain ??= { ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', reused: 'inline' }) }
  return plain
}

/** What the schema says of a key; undefined where it knows none. */
function schemaNodeAt(path: Path): Tree | undefined {
  return path.reduce<Tree | undefined>((node, key) => (node === undefined ? undefined : step(node, key)), plainSchema())
}

/** The keys that a map may have; empty where all are allowed. */
export function knownKeysAt(path: Path): readonly string[] {
  const node = schemaNodeAt(path)
  return node === undefined ? [] : branches(node).flatMap((branch) => Object.keys(mapOf(branch, 'properties')))
}

/** Paths of the keys outside of lists and named maps that hold a single value: those that the environment may override. */
export function scalarKeys(): readonly Path[] {
  const collect = (node: Tree, path: Path): readonly Path[] =>
    Object.entries(mapOf(node, 'properties')).flatMap(([key, inner]): readonly Path[] => {
      if (!isTree(inner) || (path.length === 0 && key === 'defaults')) return []
      if (child(inner, 'properties') !== undefined) return collect(inner, [...path, key])
      return branches(inner).some((branch) => isScalar(branch)) ? [[...path, key]] : []
    })
  return collect(plainSchema(), [])
}

/** A value to show for a key: its example, or its default. */
export function exampleAt(path: Path): unknown {
  const node = schemaNodeAt(path)
  return child(node, 'example') ?? child(node, 'default')
}

/** The values that a key may have, where they can be listed. */
export function choicesAt(path: Path): readonly string[] {
  const node = schemaNodeAt(path)
  if (node === undefined) return []
  return branches(node).flatMap((branch) => {
    const values = child(branch, 'enum')
    const single = child(branch, 'const')
    return (Array.isArray(values) ? values : [single]).filter((value) => typeof value === 'string')
  })
}

function step(node: Tree, key: string | number): Tree | undefined {
  for (const branch of branches(node)) {
    const inner =
      typeof key === 'number' ? child(branch, 'items') : (child(mapOf(branch, 'properties'), key) ?? child(branch, 'additionalProperties'))
    if (isTree(inner)) return inner
  }
  return undefined
}

/** A node and the choices within it. */
export function branches(node: Tree): readonly Tree[] {
  const choices = [child(node, 'anyOf'), child(node, 'oneOf')].flatMap((list) => (Array.isArray(list) ? list.filter(isTree) : []))
  return choices.length === 0 ? [node] : [node, ...choices.flatMap(branches)]
}

export function mapOf(node: Tree, key: string): Tree {
  const value = child(node, key)
  return isTree(value) ? value : {}
}

function isScalar(node: Tree): boolean {
  const type = child(node, 'type')
  return (
    child(node, 'enum') !== undefined ||
    child(node, 'const') !== undefined ||
    (typeof type === 'string' && ['string', 'number', 'integer', 'boolean'].includes(type))
  )
}

/** Lets `${NAME}` stand wherever a number, a word or a patterned text is asked for. */
function withReferences(node: Tree): Tree {
  const { description, default: standard, example, ...rest } = node
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, nested(key, value)]))
  const annotations = {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    ...(example === undefined ? {} : { examples: [example] }),
  }
  const needsReference =
    isScalar(rest) && (child(rest, 'type') !== 'string' || ['enum', 'const', 'pattern'].some((key) => Object.hasOwn(rest, key)))
  return needsReference ? { ...annotations, anyOf: [inner, REFERENCE] } : { ...annotations, ...inner }
}

function nested(key: string, value: unknown): unknown {
  if (key === 'properties' && isTree(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, property]) => [name, isTree(property) ? withReferences(property) : property]),
    )
  }
  if (['anyOf', 'oneOf'].includes(key) && Array.isArray(value))
    return value.map((item: unknown) => (isTree(item) ? withReferences(item) : item))
  return ['items', 'additionalProperties'].includes(key) && isTree(value) ? withReferences(value) : value
}

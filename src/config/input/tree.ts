import type { Path } from './places.ts'

/** A map as YAML gives it; keys are data, so they are only read by `Object.hasOwn` and `Object.entries`. */
export type Tree = Readonly<Record<string, unknown>>

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own property or an item; never what a prototype has. */
export function child(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined
  return isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(child, value)
}

/** A copy with the value at the path; maps that are missing on the way are made. */
export function withValueAt(value: unknown, path: Path, replacement: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return replacement
  if (Array.isArray(value) && typeof key === 'number') {
    const items: readonly unknown[] = value
    return items.map((item, index) => (index === key ? withValueAt(item, rest, replacement) : item))
  }
  const tree = isTree(value) ? value : {}
  // A computed key defines an own property, also where it is `__proto__`.
  return { ...tree, [key]: withValueAt(child(tree, key), rest, replacement) }
}

export function withoutValueAt(value: unknown, path: Path): unknown {
  const last = path.at(-1)
  const parentPath = path.slice(0, -1)
  const parent = valueAt(value, parentPath)
  if (!isTree(parent) || last === undefined) return value
  return withValueAt(value, parentPath, Object.fromEntries(Object.entries(parent).filter(([key]) => key !== last)))
}

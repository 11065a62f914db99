/** Metadata of a field whose type was widened. */
export const TYPE_CHANGES = 'delta.typeChanges'

/** The property of a table by which writers may widen its types. */
export const WIDENING_PROPERTY = 'delta.enableTypeWidening'

/** One change, as the log has it; `fieldPath` leads to a part of a list or a map, and is empty for the field itself. */
export interface WidenedPart {
  readonly fromType: string
  readonly toType: string
  readonly fieldPath: string
}

const INTEGERS = ['byte', 'short', 'integer', 'long']
const DECIMAL = /^decimal\((\d+), *(\d+)\)$/

/** Whether every value of a type is one of another, and the protocol lets the one become the other. */
export function isWidening(from: string, to: string): boolean {
  if (from === to) return true
  const rank = INTEGERS.indexOf(from)
  if (rank >= 0 && INTEGERS.indexOf(to) > rank) return true
  if (to === 'double') return from === 'float' || (rank >= 0 && from !== 'long')
  if (to === 'timestamp_ntz') return from === 'date'
  const target = digitsOf(to)
  const source = rank >= 0 ? { whole: from === 'long' ? 20 : 10, scale: 0 } : digitsOf(from)
  return target !== undefined && source !== undefined && target.whole >= source.whole && target.scale >= source.scale
}

/** The metadata of a field with further changes behind those that it tells of. */
export function withTypeChanges(
  metadata: Readonly<Record<string, unknown>>,
  parts: readonly WidenedPart[],
): Readonly<Record<string, unknown>> {
  const earlier: unknown = metadata[TYPE_CHANGES]
  const changes = parts.map(({ fieldPath, ...types }) => (fieldPath === '' ? types : { ...types, fieldPath }))
  return { ...metadata, [TYPE_CHANGES]: [...(Array.isArray(earlier) ? (earlier as readonly unknown[]) : []), ...changes] }
}

/** Digits before and after the point. */
function digitsOf(type: string): { readonly whole: number; readonly scale: number } | undefined {
  const [, precision, scale] = DECIMAL.exec(type) ?? []
  return precision === undefined || scale === undefined ? undefined : { whole: Number(precision) - Number(scale), scale: Number(scale) }
}

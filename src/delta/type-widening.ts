import { TableError } from '../errors/errors.ts'
import { isRecord, textOf } from './decode.ts'
import { allFields, type DeltaField } from './schema.ts'

const INTEGERS = ['byte', 'short', 'integer', 'long']
const DECIMAL = /^decimal\((\d+), *(\d+)\)$/

/** Refuses a table in which a type was changed in a way that older files cannot be read by. */
export function checkTypeChanges(name: string, fields: readonly DeltaField[]): void {
  for (const field of allFields(fields)) {
    const changes: unknown = field.metadata['delta.typeChanges']
    if (!Array.isArray(changes)) continue
    for (const change of changes) {
      const { fromType, toType } = isRecord(change) ? change : {}
      const from = textOf(fromType) ?? 'unknown'
      const to = textOf(toType) ?? 'unknown'
      if (!isWidening(from, to))
        throw new TableError(
          'ING-TABLE-FEATURE',
          `${name}: column ${field.name} was changed from ${from} to ${to}, which ingestd does not read`,
          {
            hint: 'rewrite the files of the table with the tool that changed the type',
          },
        )
    }
  }
}

/** Whether every value of a type is one of another. */
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

/** Digits before and after the point. */
function digitsOf(type: string): { readonly whole: number; readonly scale: number } | undefined {
  const [, precision, scale] = DECIMAL.exec(type) ?? []
  return precision === undefined || scale === undefined ? undefined : { whole: Number(precision) - Number(scale), scale: Number(scale) }
}

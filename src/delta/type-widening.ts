import { TableError } from '../errors/errors.ts'
import type { Protocol } from './actions.ts'
import { isRecord, textOf } from './decode.ts'
import { supports } from './features.ts'
import { allFields, type DeltaField } from './schema.ts'
import { isWidening, TYPE_CHANGES, WIDENING_PROPERTY } from './type-changes.ts'

/** Refuses a table in which a type was changed in a way that older files cannot be read by. */
export function checkTypeChanges(name: string, fields: readonly DeltaField[]): void {
  for (const field of allFields(fields)) {
    const changes: unknown = field.metadata[TYPE_CHANGES]
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

/**
 * The properties with which a table may have the types of `after` where it had those of `before`. TableError for a table
 * that widens its types in the way of the preview, which says more of each change.
 */
export function wideningProperties(
  name: string,
  {
    before,
    after,
    protocol,
  }: { readonly before: readonly DeltaField[]; readonly after: readonly DeltaField[]; readonly protocol: Protocol },
): Readonly<Record<string, string>> {
  if (countChanges(after) === countChanges(before)) return {}
  if (supports(protocol, 'typeWidening-preview') && !supports(protocol, 'typeWidening'))
    throw new TableError('ING-TABLE-FEATURE', `${name} has the preview of Delta's type widening, by which ingestd does not widen types`, {
      hint: 'drop the feature typeWidening-preview with Spark, and run again; or set schema_evolution to another mode',
    })
  return { [WIDENING_PROPERTY]: 'true' }
}

function countChanges(fields: readonly DeltaField[]): number {
  let count = 0
  for (const field of allFields(fields)) {
    const changes: unknown = field.metadata[TYPE_CHANGES]
    count += Array.isArray(changes) ? changes.length : 0
  }
  return count
}

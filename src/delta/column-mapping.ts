import { TableError } from '../errors/errors.ts'
import type { Metadata, Protocol } from './actions.ts'
import { integerOf } from './decode.ts'
import { supports } from './features.ts'
import type { DeltaField } from './schema.ts'

/** How data files name the columns: as the schema does, by physical names, or by the ids of their fields. */
export type MappingMode = 'none' | 'name' | 'id'

export const PHYSICAL_NAME = 'delta.columnMapping.physicalName'
export const FIELD_ID = 'delta.columnMapping.id'
const MODE = 'delta.columnMapping.mode'
const MAX_ID = 'delta.columnMapping.maxColumnId'

/** The property counts only where the protocol allows it. TableError for a mode that nobody knows yet. */
export function mappingMode({ protocol, metadata }: { readonly protocol: Protocol; readonly metadata: Metadata }): MappingMode {
  const mode = metadata.configuration[MODE]?.trim().toLowerCase() ?? 'none'
  if (mode === 'none' || !supports(protocol, 'columnMapping')) return 'none'
  if (mode === 'name' || mode === 'id') return mode
  throw new TableError('ING-TABLE-FEATURE', `the column mapping mode '${mode}' is not known to ingestd`)
}

/** The name of a field in data files, statistics and partition values. */
export function physicalName(field: DeltaField, mode: MappingMode): string {
  if (mode === 'none') return field.name
  const name = field.metadata[PHYSICAL_NAME]
  if (typeof name === 'string' && name !== '') return name
  throw new TableError('ING-TABLE-LOG', `column ${field.name} has no physical name, though the table maps its columns`)
}

/** The id of a field, where it has one. */
export function fieldIdOf(field: DeltaField): number | null {
  // Numbers of a schema are kept with their digits, as objects.
  const given = field.metadata[FIELD_ID]
  const fieldId = given === undefined || given === null ? null : integerOf(String(given))
  return fieldId === null ? null : Number(fieldId)
}

/** The highest id that was ever given to a column; 0 where the table says none. */
export function maxColumnId(metadata: Metadata): number {
  return Number(integerOf(metadata.configuration[MAX_ID]) ?? 0n)
}

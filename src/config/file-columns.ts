import { MEMBER_COLUMN, METADATA_COLUMNS, type PathColumn, type TableConfig } from '../model/table.ts'
import type { TableInput } from './schema/table.ts'

/** `metadata_columns` and `path_columns` in one form. */
export function fileColumnsOf(input: TableInput): Pick<TableConfig, 'metadataColumns' | 'pathColumns'> {
  const asked = input.metadata_columns
  const metadataColumns = METADATA_COLUMNS.filter((name) =>
    typeof asked === 'boolean' ? asked && name !== MEMBER_COLUMN : asked.includes(name),
  )
  return { metadataColumns, pathColumns: pathColumnsOf(input.path_columns) }
}

function pathColumnsOf(written: TableInput['path_columns']): readonly PathColumn[] {
  if (typeof written === 'string') return groupNames(written).map((name) => ({ name, pattern: written }))
  if (Array.isArray(written)) return written.map((name) => ({ name, pattern: null }))
  return Object.entries(written).map(([name, pattern]) => ({ name, pattern }))
}

/** Why a pattern cannot be used; undefined when it can. */
export function patternProblem(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u')
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `it is no regular expression: ${reason.slice(reason.lastIndexOf(': ') + 2).toLowerCase()}`
  }
}

/** Names of the groups of a pattern, in their order; none where it is no regular expression. */
export function groupNames(pattern: string): readonly string[] {
  if (patternProblem(pattern) !== undefined) return []
  // With an empty alternative it matches anything, and tells its groups.
  return Object.keys(new RegExp(`${pattern}|`, 'u').exec('')?.groups ?? {})
}

import { type AddFile, actionLine } from './actions.ts'

/** The column of change files that says what happened to a row. */
export const CHANGE_TYPE = '_change_type'
export const CHANGE_TYPES = ['insert', 'update_preimage', 'update_postimage', 'delete'] as const

/** Where change files lie. */
export const CHANGE_FOLDER = '_change_data'

/** A line of `cdc`: a file that holds changes of the version, and no rows of the table. */
export function changeLine({ path, partitionValues, size }: Pick<AddFile, 'path' | 'partitionValues' | 'size'>): string {
  return actionLine('cdc', { path, partitionValues, size, dataChange: false })
}

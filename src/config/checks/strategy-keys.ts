import { isDeepStrictEqual } from 'node:util'
import { type TableInput, tableSchema } from '../schema/table.ts'
import { complain, type Desk, type StrategyKind, type TableDraft } from './draft.ts'

type TableKey = keyof TableInput

const MERGES: readonly StrategyKind[] = ['merge', 'scd2']

/** Keys that belong to some strategies alone. A custom strategy is given those that a plan can read. */
const STRATEGY_KEYS: readonly { readonly key: TableKey; readonly for: readonly StrategyKind[] }[] = [
  { key: 'deduplicate', for: ['append', 'custom'] },
  { key: 'snapshot_unit', for: ['overwrite', 'custom'] },
  { key: 'overwrite_scope', for: ['overwrite', 'custom'] },
  { key: 'primary_keys', for: ['merge', 'scd2', 'custom'] },
  { key: 'tracking_columns', for: ['scd2', 'custom'] },
  { key: 'sequence_by', for: ['merge', 'scd2', 'custom'] },
  { key: 'delete_when', for: MERGES },
  { key: 'merge_update_columns', for: ['merge'] },
  { key: 'insert_only', for: ['merge'] },
  { key: 'when_tied', for: MERGES },
  { key: 'missing_means_deleted', for: MERGES },
  { key: 'late_window', for: MERGES },
  { key: 'skip_unchanged', for: ['overwrite', 'merge', 'scd2'] },
  { key: 'force_reload_after', for: ['overwrite', 'merge', 'scd2'] },
  { key: 'hash_algorithm', for: ['overwrite', 'merge', 'scd2'] },
  { key: 'scd2_effective_date_column', for: ['scd2'] },
  { key: 'scd2_end_date_column', for: ['scd2'] },
  { key: 'scd2_current_flag_column', for: ['scd2'] },
  { key: 'scd2_open_end', for: ['scd2'] },
]

/** The values that keys have when nobody sets them. */
export const TABLE_DEFAULTS: TableInput = tableSchema.parse({ table_name: 'x', source_path_pattern: 'x' })

/**
 * A key of another strategy is a mistake where it stands in the table itself. Under `defaults` it is meant for the
 * tables that use it, so here it counts as not set.
 */
export function checkStrategyKeys(draft: TableDraft, desk: Desk): TableInput {
  let input = draft.input
  for (const { key, for: kinds } of STRATEGY_KEYS) {
    if (kinds.includes(draft.kind) || isDeepStrictEqual(input[key], TABLE_DEFAULTS[key])) continue
    if (desk.places.isMerged([...draft.at, key])) {
      input = { ...input, [key]: TABLE_DEFAULTS[key] }
      continue
    }
    if (draft.bad.has('loading_strategy')) continue
    const name = draft.kind === 'custom' ? 'a custom strategy' : draft.kind
    const wanted = kinds.filter((kind) => kind !== 'custom').join(' or ')
    complain(desk, draft, [key], {
      problem: `${name} does not use ${key}`,
      fix: `remove it, or set loading_strategy: ${wanted}`,
      code: 'ING-CONFIG-COMBINATION',
    })
  }
  return input
}

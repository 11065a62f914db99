import type { Expectation } from '../model/table.ts'
import type { TableDraft } from './checks/draft.ts'
import type { Places } from './input/places.ts'
import { formatPlace } from './issues.ts'
import type { TableInput } from './schema/table.ts'

type Written = TableInput['expectations'][number]

/** The rules of a table, each with its name. */
export function expectationsOf({ input, at }: Pick<TableDraft, 'input' | 'at'>, places: Places): readonly Expectation[] {
  return input.expectations.map((written, index) => {
    const rule = { name: nameOf(written) }
    if ('check' in written) {
      const place = formatPlace(places.at([...at, 'expectations', index, 'check']))
      return { ...rule, kind: 'check', onViolation: written.on_violation, check: written.check, place }
    }
    const batch = { ...rule, onViolation: written.on_violation }
    if ('unique' in written) return { ...batch, kind: 'unique', columns: written.unique }
    if ('row_count' in written) return { ...batch, kind: 'row_count', ...written.row_count }
    const { column, max_age: maxAgeMs } = written.freshness
    return { ...batch, kind: 'freshness', column, maxAgeMs }
  })
}

/** As it is written, or after what the rule asks for. */
export function nameOf(written: Written): string {
  if (written.name !== undefined) return written.name
  if ('unique' in written) return `unique_${written.unique.join('_')}`
  if ('freshness' in written) return `freshness_${written.freshness.column}`
  return 'row_count' in written && written.row_count.per === 'batch' ? 'row_count_of_batch' : 'row_count'
}

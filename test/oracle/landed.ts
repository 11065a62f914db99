import type { Delivered } from './model.ts'

/** A file of a batch as it lands. */
export interface LandedFile {
  readonly name: string
  readonly content: string
  /** Modified time in seconds since 2023-11-14T22:13:20Z. */
  readonly second: number
}

/** Keys of a table that loads what `landedFiles` gives. */
export function tableOf(strategy: 'merge' | 'scd2', sequences: number, untracked: boolean): Readonly<Record<string, unknown>> {
  const sequence = names(sequences)
  return {
    loading_strategy: strategy,
    primary_keys: ['id'],
    sequence_by: sequences === 0 ? null : sequence,
    delete_when: "op = 'D'",
    exclude_columns: ['op'],
    columns: { id: 'BIGINT', a: 'VARCHAR', u: 'VARCHAR', ...Object.fromEntries(sequence.map((name) => [name, 'BIGINT'])) },
    ...(strategy === 'scd2' && untracked ? { tracking_columns: ['a'] } : {}),
  }
}

export function landedFiles(batch: readonly Delivered[], sequences: number): readonly LandedFile[] {
  const paths = [...new Set(batch.map(({ file }) => file.path))]
  return paths.map((path) => {
    const rows = batch.filter(({ file }) => file.path === path).toSorted((a, b) => a.row - b.row)
    const lines = rows.map((row) => [row.key, ...row.sequence, row.tracked ?? '', row.untracked ?? '', row.deleted ? 'D' : ''].join(','))
    const header = ['id', ...names(sequences), 'a', 'u', 'op'].join(',')
    const second = (rows[0]?.file.modified ?? 0) - 1_700_000_000
    return { name: path.slice('/landing/'.length), content: `${[header, ...lines].join('\n')}\n`, second }
  })
}

/** A query that tells the table as `rowText` and `versionText` do. */
export function tableQuery(strategy: 'merge' | 'scd2', sequences: number): string {
  const date = (column: string) => (sequences === 0 ? `epoch(${column})::bigint` : column)
  const dates = strategy === 'scd2' ? `, ${date('effective_date')}, ${date('end_date')}` : ''
  const order = names(sequences).join(', ')
  const flag = strategy === 'scd2' ? ` || ' ' || is_current` : ''
  return `select to_json([id${dates}]) || ' ' || to_json([a, u]) || ' ' || to_json([${order}]::bigint[])${flag} as told from "default".t order by 1`
}

function names(sequences: number): readonly string[] {
  return Array.from({ length: sequences }, (_, index) => `s${index}`)
}

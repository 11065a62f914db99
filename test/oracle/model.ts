/*
 * What merge and scd2 mean, told again without SQL, batches or tables: from all rows that were ever delivered, in no
 * particular order, to the table. It shares no code with the product.
 */

export interface Delivered {
  readonly key: number
  /** Values of `sequence_by`; empty where files order the rows. */
  readonly sequence: readonly number[]
  readonly tracked: string | null
  readonly untracked: string | null
  readonly deleted: boolean
  readonly file: { readonly modified: number; readonly path: string }
  readonly row: number
}

export interface Version {
  readonly key: number
  readonly sequence: readonly number[]
  readonly tracked: string | null
  readonly untracked: string | null
  /** The first of `sequence_by`, or the modified time of the file. */
  readonly from: number
  /** Null while it lasts. */
  readonly until: number | null
}

/** One row a key: the newest that was delivered, unless it says delete. */
export function merged(rows: readonly Delivered[]): readonly Omit<Version, 'from' | 'until'>[] {
  return [...groups(rows, ({ key }) => key).values()].flatMap((own) => {
    const newest = own.toSorted(inOrder).at(-1)
    if (newest === undefined || newest.deleted) return []
    const { key, sequence, tracked, untracked } = newest
    return [{ key, sequence, tracked, untracked }]
  })
}

/** The history of each key: at any time it is as the last row until then says. */
export function history(rows: readonly Delivered[]): readonly Version[] {
  return [...groups(rows, ({ key }) => key).values()].flatMap((own) => {
    const moments = [...groups(own, dateOf).values()].map((told) => told.toSorted(inOrder).at(-1) ?? first(told))
    return moments.toSorted((a, b) => dateOf(a) - dateOf(b)).reduce(after, [])
  })
}

/** A history after one more row. */
function after(versions: readonly Version[], row: Delivered): readonly Version[] {
  const last = versions.at(-1)
  const open = last?.until === null ? last : undefined
  if (open !== undefined && !row.deleted && open.tracked === row.tracked) {
    return [...versions.slice(0, -1), { ...open, untracked: row.untracked }]
  }
  const ended = open === undefined ? versions : [...versions.slice(0, -1), { ...open, until: dateOf(row) }]
  const { key, sequence, tracked, untracked } = row
  return row.deleted ? ended : [...ended, { key, sequence, tracked, untracked, from: dateOf(row), until: null }]
}

/** All rows of the table as text, sorted. */
export function told(strategy: 'merge' | 'scd2', rows: readonly Delivered[]): readonly string[] {
  const text = ({ tracked, untracked, sequence }: Omit<Version, 'key' | 'from' | 'until'>) =>
    `${JSON.stringify([tracked, untracked])} ${JSON.stringify(sequence)}`
  const lines =
    strategy === 'merge'
      ? merged(rows).map((row) => `${JSON.stringify([row.key])} ${text(row)}`)
      : history(rows).map((row) => `${JSON.stringify([row.key, row.from, row.until])} ${text(row)} ${row.until === null}`)
  return lines.toSorted()
}

function dateOf({ sequence, file }: Delivered): number {
  return sequence[0] ?? file.modified
}

function inOrder(a: Delivered, b: Delivered): number {
  for (const [index, value] of a.sequence.entries()) {
    const other = b.sequence[index] ?? 0
    if (value !== other) return value - other
  }
  if (a.file.modified !== b.file.modified) return a.file.modified - b.file.modified
  if (a.file.path !== b.file.path) return a.file.path < b.file.path ? -1 : 1
  return a.row - b.row
}

function groups<K>(rows: readonly Delivered[], by: (row: Delivered) => K): ReadonlyMap<K, readonly Delivered[]> {
  const found = new Map<K, Delivered[]>()
  for (const row of rows) found.set(by(row), [...(found.get(by(row)) ?? []), row])
  return found
}

function first(rows: readonly Delivered[]): Delivered {
  const [row] = rows
  if (row === undefined) throw new Error('a group without rows')
  return row
}

import type { RowAction } from './table.ts'

/** What a rule found in a batch. */
export interface ExpectationCount {
  readonly name: string
  readonly onViolation: RowAction
  /** What was looked at: rows, or files or batches where the rule is about these. */
  readonly checked: bigint
  readonly violated: bigint
  /** Files that broke it, with how often. */
  readonly files: readonly { readonly path: string; readonly violated: bigint }[]
}

/** The same as `run --json` prints it. */
export interface ReportExpectation {
  readonly name: string
  readonly on_violation: RowAction
  /** Rows, or files or batches where the rule is about these. */
  readonly checked: number
  readonly violated: number
  /** Files that broke it. */
  readonly files: number
}

/** A report on a run or on a batch of a table. */
export interface Expected {
  /** What the rules of the table found; left out where it has none. */
  readonly expectations?: readonly ReportExpectation[]
}

/** A rule that a file broke. */
export interface FileExpectation extends Pick<ReportExpectation, 'name' | 'on_violation' | 'violated'> {
  readonly at: string
  readonly batch_id: string
}

/** Adds what later batches found to what earlier ones did, rule by rule. */
export function addCounts(...all: readonly (readonly ExpectationCount[])[]): readonly ExpectationCount[] {
  const sums = new Map<string, ExpectationCount>()
  for (const one of all.flat()) {
    const before = sums.get(one.name)
    if (before === undefined) sums.set(one.name, one)
    else
      sums.set(one.name, {
        ...before,
        checked: before.checked + one.checked,
        violated: before.violated + one.violated,
        files: [...before.files, ...one.files],
      })
  }
  return [...sums.values()]
}

export function reportOfCount({ name, onViolation, checked, violated, files }: ExpectationCount): ReportExpectation {
  return { name, on_violation: onViolation, checked: Number(checked), violated: Number(violated), files: files.length }
}

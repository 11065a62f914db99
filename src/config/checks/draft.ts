import type { ErrorCode } from '../../errors/codes.ts'
import type { Path, Places } from '../input/places.ts'
import type { Finding, IssueList } from '../issues.ts'
import type { TableInput } from '../schema/table.ts'

export type StrategyKind = 'append' | 'overwrite' | 'merge' | 'scd2' | 'custom'

/** A table between decoding and resolution. */
export interface TableDraft {
  readonly input: TableInput
  /** Its path in the merged config. */
  readonly at: Path
  /** Keys whose value was wrong; nothing is concluded from their defaults. */
  readonly bad: ReadonlySet<string>
  readonly kind: StrategyKind
}

/** Keys of a table that contradict each other. */
export interface Clash {
  /** The key that is told, in the table. */
  readonly key: Path
  readonly problem: string
  readonly fix: string
  readonly code?: ErrorCode
}

/** Where problems of a config go. */
export interface Desk {
  readonly places: Places
  readonly issues: IssueList
}

/** Adds a problem of a key of a table, unless it rests on a key that was wrong already. */
export function complain(desk: Desk, draft: Pick<TableDraft, 'at' | 'bad'>, key: Path, finding: Finding): void {
  if (!draft.bad.has(String(key[0]))) desk.issues.add(desk.places, [...draft.at, ...key], finding)
}

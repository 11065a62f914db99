import type { Sql } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'

/**
 * What a batch does to a table, as a value. The store turns it into data files and one commit; a dry run counts it.
 */
export interface LoadPlan {
  /**
   * Relations in between, made as temporary tables in this order before anything else of the plan is read, and dropped at
   * the end: what is joined once may be read for the rows to add, the positions, the changes and the counts.
   */
  readonly steps?: readonly PlanStep[] | undefined
  /** A query that yields the table's columns and `__path`; with `remove: partitions` also `__sequence`. */
  readonly add: Sql
  readonly remove: Removal
  /** True when the plan read nothing of the table: it commutes with every other append. */
  readonly blindAppend: boolean
  /** How rows of the batch that are not in `add` are accounted for. */
  readonly dropped: 'deduplicated' | 'superseded'
  /**
   * With `remove: positions`, for tables with a change feed: a query of the table's columns and `_change_type` ('insert',
   * 'update_preimage', 'update_postimage', 'delete') that tells all of what the batch does. Without it removed rows are
   * deletes and added ones inserts.
   */
  readonly changes?: Sql | undefined
  /**
   * A query of the columns of `observations`: what the batch saw of keys without it being visible in the table. It is kept
   * with the batch, and given to later plans.
   */
  readonly observe?: Sql | undefined
  /** One row (inserted, updated, deleted, unchanged, superseded) BIGINT of what became of the rows that reached the plan: their sum. */
  readonly counts?: Sql | undefined
  /**
   * A query of (key VARCHAR in JSON, path VARCHAR, row BIGINT `__row`, chosen BOOLEAN): rows of one key that tie on
   * `sequence_by` and differ. They are told of, or rejected, as `when_tied` says.
   */
  readonly ties?: Sql | undefined
  /** Relation of what may tie; while it has no rows `ties` is not asked. */
  readonly mayTie?: Sql | undefined
  /** Every row of `add` is one of the batch, and none of them the table's. */
  readonly addsOwnRows?: true
}

export interface PlanStep {
  /** Of the temporary table; begins with `__ingestd_`. */
  readonly name: string
  readonly query: Sql
  /**
   * Joins are carried out as they are written: what stands first is read row by row, what is joined to it is kept in memory.
   * For steps that look for a few keys in `current`, of whose size the engine has no notion.
   */
  readonly ordered?: boolean
  /** Relation of what the step looks for in `current`; while it has no rows the step has none, and nothing is read for it. */
  readonly seeks?: Sql
  /** A query with the columns of the step that reads nothing: what it is while there is nothing to look for. */
  readonly empty?: Sql
}

export type Removal =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'everything' }
  /** All files of the partitions that `add` has rows for. */
  | { readonly kind: 'partitions' }
  /** A query of (file VARCHAR, row BIGINT): `__file` and `__position` of the rows of `current` that go. Only for a strategy that `locates`. */
  | { readonly kind: 'positions'; readonly positions: Sql }

export interface PlanInput {
  readonly table: TableConfig
  /**
   * Name of the relation of the batch's rows: the table's columns, `__path` VARCHAR, and, for a strategy that `reads`
   * more than once, `__ordinal` INTEGER (file order in the batch), `__row` BIGINT (order within the batch) and
   * `__sequence` VARCHAR (orders the snapshots that the files belong to, also across batches). For a `keyed` strategy also
   * `__deleted` BOOLEAN (`delete_when`), and `_sequence` among the columns; keys and `sequence_by` are never null.
   */
  readonly records: Sql
  /**
   * Relation of the table's current rows with the table's columns; null when the table has none yet, or shall keep none.
   * For a strategy that `locates` also `__file` VARCHAR and `__position` BIGINT, by which `remove: positions` names rows.
   * Read only the columns that are needed: the others are not read from the files.
   */
  readonly current: Sql | null
  /**
   * For a `keyed` strategy: name of the relation of the key columns, the columns of `sequence_by`, `_sequence` and `__deleted` BOOLEAN,
   * typed as in the table: what earlier batches observed and the table does not show. Null when there are none.
   */
  readonly observations: Sql | null
  /**
   * For a `keyed` strategy: name of the relation of the batch's files, those without rows too: path VARCHAR, ordinal INTEGER,
   * sequence VARCHAR, modified TIMESTAMPTZ.
   */
  readonly files: Sql
  /** Query of the table's partitions: its partition columns and `sequence`; null when the table has none yet. */
  readonly partitionSequences: Sql | null
  /** The table's columns in order, audit columns last. */
  readonly columns: readonly Column[]
  /** Names among `columns` that are ours: `_load_timestamp`, `_source_file`, `_batch_id`, and `_sequence` of a `keyed` strategy. */
  readonly auditColumns: readonly string[]
}

/** Rows to a plan: pure, no I/O, the same result however the files are cut into batches (exemptions: spec 10.6). */
export interface Strategy {
  readonly name: string
  /**
   * `once`: records may be a stream that is read a single time, and every one of them is in `add`. `many`: they are
   * kept in a temporary table; those that the plan leaves out are accounted for as `dropped` says.
   */
  reads(table: TableConfig): 'once' | 'many'
  /** True for a strategy that removes single rows; it must read `many`. */
  locates?(table: TableConfig): boolean
  /** For a strategy that orders versions of `primary_keys`; it must read `many`. */
  readonly keyed?: KeyedTraits
  /** Problems of a table's config for this strategy; checked with the config. */
  validate?(table: TableConfig): readonly string[]
  plan(input: PlanInput): LoadPlan
}

/** What a strategy for versions of keys asks of the pipeline. */
export interface KeyedTraits {
  /** Which observations of a key later plans need: the newest, or every one within `late_window`. */
  readonly observes: 'newest' | 'every'
  /** Condition on the table's rows that are keys now, where it holds others, too. */
  live?(table: TableConfig): Sql
  /** Columns that tell the rows of one key apart, where the table has several. */
  versionColumns?(table: TableConfig): readonly string[]
  /** Columns that the table has beside those of the files, given the latter; records hold nulls there. */
  ownColumns?(table: TableConfig, columns: readonly Column[]): readonly Column[]
  /** Names of further columns that observations keep, given all of the table: what the table no longer shows of a row. */
  observedColumns?(table: TableConfig, columns: readonly Column[]): readonly string[]
}

/** Identity with types, for modules of users. */
export function defineStrategy(strategy: Strategy): Strategy {
  return strategy
}

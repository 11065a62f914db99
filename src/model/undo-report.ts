/** What `unload --json` prints for each table. */
export interface UnloadReport {
  readonly table: string
  readonly dry_run: boolean
  /** The version that the unload made; null of a dry run. */
  readonly version: number | null
  readonly batch: number | null
  readonly batch_id: string | null
  /** That left the table, or would. */
  readonly rows: number
  readonly files: readonly {
    readonly file: string
    readonly rows: number
    /** As the tracker counted its last load: another number where rows were changed since, or earlier contents were kept. */
    readonly rows_loaded: number | null
  }[]
}

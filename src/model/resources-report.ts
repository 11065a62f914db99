/** What `status --resources` tells. Sizes are bytes. */
export interface ResourcesReport {
  readonly cores: {
    readonly machine: number
    /** Of each load process. */
    readonly per_load: number
    readonly loads: number
  }
  readonly memory: {
    /** Of the machine, or of the container where it has a limit. */
    readonly machine: number
    readonly free: number
    /** Of the engine of each load process. */
    readonly per_load: number
    /** Processes that work on tables at the moment, with those that they started; null where the system does not tell. */
    readonly processes: readonly { readonly pid: number; readonly resident: number | null }[]
  }
  readonly spill: {
    readonly folder: string
    /** What lies in it; null where there is none. */
    readonly used: number | null
    /** Of its disk; null where nothing tells it. */
    readonly free: number | null
  }
  readonly tables: readonly {
    readonly table: string
    /** Data files that an optimize would put together, and their bytes. */
    readonly small_files: number
    readonly small_bytes: number
    /** What stood in the way of looking. */
    readonly error: string | null
  }[]
  readonly advice: readonly string[]
}

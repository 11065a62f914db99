/** What a process does with a table at the moment. Timestamps are ISO 8601 in UTC. */
export interface Activity {
  /** Of the leases; another process of this machine is told from it by its pid. */
  readonly owner: string
  /** `database.table` */
  readonly table_name: string
  readonly stage: ActivityStage
  /** The running batch; null between batches. */
  readonly batch_id: string | null
  /** Files to load in this pass, as far as known; while listing those that were seen. */
  readonly files: number
  readonly files_done: number
  /** Bytes of the batches that were begun, and how much of it is loaded, by estimate within a batch. */
  readonly bytes: number
  readonly bytes_done: number
  readonly rows: number
  /** 0 to 1 of the pass; null while nothing tells it. */
  readonly fraction: number | null
  readonly started_at: string
  readonly updated_at: string
}

export type ActivityStage = 'listing' | 'waiting' | 'loading' | 'committing' | 'maintaining'

/** As its process tells it; the tracker adds whose it is and when it was told. */
export type ActivityNote = Omit<Activity, 'owner' | 'updated_at'>

/** What a scheduler tells of a table; what is left out stays as it was. */
export interface ScheduleNote {
  readonly last_listed_at?: string | null | undefined
  /** Why the last listing failed; null once one succeeded. */
  readonly listing_error?: string | null | undefined
  readonly next_run_at?: string | null | undefined
}

export interface TableSchedule {
  readonly table_name: string
  readonly last_listed_at: string | null
  readonly listing_error: string | null
  readonly next_run_at: string | null
}

/** A daemon that works on the tracker, or waits for its turn. */
export interface DaemonNote {
  readonly owner: string
  readonly pid: number
  readonly host: string
  readonly version: string
  readonly started_at: string
  /** Renewed every few seconds: one that is a minute old belongs to a daemon that is gone. */
  readonly heartbeat_at: string
  /** Where metrics and health are served, as `http://127.0.0.1:9464`; null where they are not. */
  readonly http: string | null
  readonly state: 'running' | 'stopping' | 'standby'
}

/** What was committed in one minute. */
export interface ThroughputMinute {
  readonly table_name: string
  /** The start of the minute. */
  readonly minute: string
  readonly batches: number
  readonly files: number
  readonly rows: number
  readonly bytes: number
}

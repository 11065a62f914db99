import type { TableConfig } from '../model/table.ts'

/** What is done for the tracker without being asked. */
export interface TrackerCare {
  readonly backUpBeforeRun: boolean
  /** Days after which history is forgotten; null keeps it. */
  readonly retentionDays: number | null
  /** After each run, and by a daemon from time to time. */
  readonly publishAfterRun: boolean
}

/** The tables that the tracker itself is published as. */
export interface PublishedTracker {
  readonly files: TableConfig
  readonly batches: TableConfig
}

/** The whole config after reading, interpolation, defaults and checks. */
export interface ResolvedConfig {
  /** Absolute path of the config file; null for inline text. */
  readonly file: string | null
  readonly rawDataPath: string
  readonly processedDataPath: string
  readonly checkpointPath: string
  /** `<checkpoint_path>/<file_tracker_database>.db`, where the tracker is SQLite. */
  readonly trackerFile: string
  /** `file_tracker_database`: the schema, where the tracker is in Postgres. */
  readonly trackerDatabase: string
  readonly trackerTable: string
  /** Postgres as the tracker, with its password; null for the file. */
  readonly trackerUrl: string | null
  readonly trackerPoolSize: number
  readonly trackerCare: TrackerCare
  readonly published: PublishedTracker
  readonly maxParallelJobs: number
  readonly retryAttempts: number
  readonly retryBackoff: { readonly baseMs: number; readonly factor: number; readonly maxMs: number }
  readonly timeoutMs: number
  /** What a daemon that stops gives running batches. */
  readonly shutdownTimeoutMs: number
  readonly logLevel: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'
  readonly logFormat: 'auto' | 'pretty' | 'json'
  readonly logFile: string | null
  /** Whether the daemon counts what it does for Prometheus. */
  readonly enableMetrics: boolean
  /** Where the daemon serves health, metrics, status and the web page; null for no server. */
  readonly http: { readonly host: string; readonly port: number; readonly token: string | null } | null
  readonly engine: {
    /** A share of the machine's (container's) memory, 0 to 1, or bytes. */
    readonly memory: { readonly share: number } | { readonly bytes: number }
    readonly threads: number | 'auto'
    readonly temporaryFolder: string | null
  }
  readonly tables: readonly TableConfig[]
}

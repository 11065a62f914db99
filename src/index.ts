export { createIngest } from './app/create-ingest.ts'
export type {
  CreateOptions,
  DaemonOptions,
  Ingest,
  OptimizeOptions,
  QueryOptions,
  QueryResult,
  ReplayOptions,
  RestoreOptions,
  RunOptions,
  TrackerCalls,
  UnloadOptions,
  VacuumOptions,
  ValidateOptions,
  VerifyOptions,
} from './app/ingest.ts'
export type { QuarantineDiscardOptions, QuarantineFilter, QuarantineListOptions } from './app/quarantine.ts'
export type { TablePoint } from './app/table-point.ts'
export { id, join, literal, type Sql, sql } from './engine/sql.ts'
export type { ErrorCode } from './errors/codes.ts'
export type { ConfigIssue, ErrorReport } from './errors/errors.ts'
export { ConfigError, ConflictError, FileError, IngestError, TableError, UnavailableError, UpstreamError } from './errors/errors.ts'
export type { FileStatus } from './model/file.ts'
export type { DiscardReport, QuarantinedRow, ResubmitReport } from './model/quarantine-report.ts'
export type {
  CheckReport,
  ExplainReport,
  HistoryReport,
  OptimizeReport,
  RestoreReport,
  RunEvent,
  RunReport,
  TableReport,
  VacuumReport,
  ValidateReport,
} from './model/report.ts'
export type { ResourcesReport } from './model/resources-report.ts'
export type { Column } from './model/schema.ts'
export type { StatusFile, StatusReport, TableDetail, TableState } from './model/status-report.ts'
export type { TableConfig } from './model/table.ts'
export type { AdoptReport, BackupReport, PruneReport, RebuildReport } from './model/tracker-report.ts'
export type { UnloadReport } from './model/undo-report.ts'
export type { VerifyReport } from './model/verification.ts'
export type { LoadPlan, PlanInput, Removal, Strategy } from './strategies/strategy.ts'
export { defineStrategy } from './strategies/strategy.ts'
export type { FileFilter, TrackedFile } from './tracker/tracker.ts'

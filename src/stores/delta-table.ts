import type { Blobs } from '../blobs/blobs.ts'
import { constraintsOf } from '../delta/constraints.ts'
import { checkPartitionable, partitionColumnsAmong } from '../delta/partition.ts'
import { forgetQueries } from '../delta/query-parts.ts'
import { TableLog } from '../delta/table-log.ts'
import type { Session } from '../engine/engine.ts'
import { id, type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { OptimizeRequest, OptimizeResult, VacuumRequest, VacuumResult } from '../model/maintenance.ts'
import type { Manifest } from '../model/manifest.ts'
import type { TableConfig } from '../model/table.ts'
import { commitAdoption } from './adopt.ts'
import { candidateFiles } from './candidate-files.ts'
import { Cleaning, type Keeps } from './cleaning.ts'
import { commitStaged } from './commit-staged.ts'
import { currentRows, locatedRows, sequencesOfPartitions } from './current.ts'
import type { StoreDeps } from './deps.ts'
import { keepLogShort } from './log-upkeep.ts'
import { highestManifest, readManifest, writeManifest } from './manifests.ts'
import { optimizeTable } from './optimize.ts'
import { ownRemoval, stageRemoval } from './positions.ts'
import { commitRepair } from './repair.ts'
import { commitRestore, plannedRestore, planRestore, type RestoreContext } from './restore.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { readSideFiles, removeSideFiles, writeSideFiles } from './side-files.ts'
import { discardFiles, own, type StagedFiles, type StageTarget, stageFeed, stageFolder, stageRows } from './staging.ts'
import type {
  CommitOutcome,
  CommitRequest,
  KeyRows,
  Loader,
  ObservationShape,
  ObserveRequest,
  OpenTable,
  RemovalRequest,
  RepairRequest,
  Staged,
  StagedRemoval,
  StageRequest,
  TableColumn,
  TableRestore,
  TableState,
  TableVersionAt,
  Violation,
} from './store.ts'
import {
  checkAllowed,
  checkShrinks,
  checkTracker,
  checkWritable,
  fieldsAfter,
  mappingAfter,
  newPartitioning,
  propertiesAfter,
} from './table-content.ts'
import { checkKeepsVersions, tableState } from './table-version.ts'
import { checkFolder } from './target-folder.ts'
import { vacuumTable } from './vacuum.ts'
import { type RuledTable, rowsViolating, violationsOf } from './violations.ts'

export async function openDeltaTable(table: TableConfig, session: Session, deps: StoreDeps, keeps: Keeps): Promise<OpenTable> {
  const blobs = await deps.blobs(table.targetPath)
  const log = await TableLog.open(table.name, blobs, session)
  if (log.state === undefined) await checkFolder(table.name, blobs)
  else checkWritable(table, log.state)
  return new DeltaTable(table, log, deps, keeps)
}

/** What is written beside staged files; without it they go. */
async function besides<T>(staged: StagedFiles, blobs: Blobs, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await discardFiles(staged, blobs).catch(() => undefined) // The first error tells more; clean removes the rest.
    throw error
  }
}

class DeltaTable implements OpenTable {
  readonly #table: TableConfig
  readonly #log: TableLog
  readonly #deps: StoreDeps
  readonly #keeps: Keeps
  readonly #cleaning: Cleaning
  /** Name of the temporary table of files that can hold the keys asked for last. */
  readonly #candidates: Sql

  constructor(table: TableConfig, log: TableLog, deps: StoreDeps, keeps: Keeps) {
    this.#table = table
    this.#log = log
    this.#deps = deps
    this.#keeps = keeps
    this.#cleaning = new Cleaning(log, keeps)
    this.#candidates = id(log.session.temporaryName('candidates'))
  }

  get state(): TableState | null {
    return this.#log.state === undefined ? null : tableState(this.#log.state)
  }

  async refresh(): Promise<void> {
    // Batches come one after the other, and each asks anew for the rows that it reads.
    await forgetQueries(this.#log)
    await this.#log.blobs.tidy()
    await this.#log.advance()
    if (this.#log.state) checkWritable(this.#table, this.#log.state)
  }

  async prepare(): Promise<void> {
    await this.#log.snapshot?.files()
  }

  async current(): Promise<Sql> {
    return currentRows(this.#log)
  }

  async located(keys?: KeyRows): Promise<Sql> {
    const { snapshot } = this.#log
    if (keys === undefined || snapshot === undefined) return locatedRows(this.#log)
    return locatedRows(this.#log, await candidateFiles(this.#candidates, keys, { session: this.#log.session, snapshot }))
  }

  async observations(sideFiles: readonly string[], shape: ObservationShape): Promise<Sql> {
    return readSideFiles(sideFiles, shape, this.#log)
  }

  async stageObservations(request: ObserveRequest): Promise<readonly string[]> {
    const { name, blobs, session } = this.#log
    return writeSideFiles(request, { name, blobs, session, newId: this.#deps.newId })
  }

  async partitionSequences(): Promise<Sql> {
    return sequencesOfPartitions(this.#log)
  }

  async stage(request: StageRequest): Promise<StagedFiles> {
    return stageRows(request, this.#stageTarget(request))
  }

  async stageRemoval(request: RemovalRequest): Promise<StagedRemoval> {
    return stageRemoval(request, {
      log: this.#log,
      deps: this.#deps,
      keeps: this.#keeps,
      properties: propertiesAfter(this.#table, this.#log.state),
      stage: (rows) => this.stage(rows),
      stageTarget: (rows) => this.#stageTarget(rows),
      stageFeed: (changes) => stageFeed(changes, this.#stageTarget(changes)),
    })
  }

  #stageTarget(request: Pick<StageRequest, 'columns' | 'batchId'>): StageTarget {
    const ruled = this.#ruled(request.columns)
    checkPartitionable(this.#table.name, ruled.partitionColumns)
    return {
      ...ruled,
      name: this.#table.name,
      properties: propertiesAfter(this.#table, this.#log.state),
      mapping: mappingAfter(this.#table, this.#log.state),
      blobs: this.#log.blobs,
      session: this.#log.session,
      folder: stageFolder(request.batchId, this.#deps.newId()),
      targetFileSize: this.#table.delta.targetFileSize,
    }
  }

  violating(rows: Sql, columns: readonly TableColumn[]): Sql | null {
    return rowsViolating(rows, this.#ruled(columns))
  }

  async violations(rows: Sql, columns: readonly TableColumn[]): Promise<readonly Violation[]> {
    return violationsOf(rows, this.#ruled(columns), this.#log.session)
  }

  #ruled(columns: readonly TableColumn[]): RuledTable {
    const { state } = this.#log
    const after = fieldsAfter(this.#table, state, columns)
    const byName = new Map(after.map((field) => [field.name.toLowerCase(), field]))
    const fields = columns.flatMap((column) => byName.get(column.name.toLowerCase()) ?? [])
    const names = state?.metadata.partitionColumns ?? newPartitioning(this.#table, fields)
    return {
      fields,
      partitionColumns: partitionColumnsAmong(fields, names, mappingAfter(this.#table, state)),
      rules: constraintsOf(this.#table.name, fields, propertiesAfter(this.#table, state)),
    }
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    checkAllowed(this.#table, this.#log.state, request)
    const result = await commitStaged({
      table: this.#table,
      log: this.#log,
      deps: this.#deps,
      keeps: this.#keeps,
      request,
      staged: request.staged.map(own),
      removal: request.removal === null ? null : ownRemoval(request.removal),
    }).finally(async () => request.removal?.[Symbol.asyncDispose]())
    if (result.kind !== 'committed') return result
    await this.#afterCommit(request, result.version)
    return { kind: 'committed', version: result.version }
  }

  async planRestore(at: TableVersionAt, loader: Loader): Promise<TableRestore> {
    checkKeepsVersions(this.#table, this.#keeps)
    return planRestore(this.#restoreBy(loader), at)
  }

  async restore(restore: TableRestore, manifest: Manifest, loader: Loader): Promise<CommitOutcome> {
    const result = await commitRestore(this.#restoreBy(loader), plannedRestore(restore), manifest)
    if (result.kind !== 'committed') return result
    await this.#afterCommit({ manifest, staged: [] }, result.version)
    return { kind: 'committed', version: result.version }
  }

  async optimize(request: OptimizeRequest): Promise<OptimizeResult> {
    return optimizeTable({ ...this.#target(), committed: (version) => this.#keepLogShort(version, 'optimize') }, request)
  }

  async vacuum(request: VacuumRequest): Promise<VacuumResult> {
    return vacuumTable(this.#target(), request)
  }

  async repair({ positions, added, trackerId }: RepairRequest): Promise<bigint> {
    const state = this.state
    if (this.#log.state === undefined || state === null) throw new BugError(`${this.#table.name} was to be repaired before it exists`)
    checkTracker(this.#table, this.#log.state, trackerId)
    checkShrinks(this.#table, this.#log.state, 'a repair')
    const repairId = `repair-${this.#deps.newId()}`
    const request = { columns: state.columns, batchId: repairId, sourceBytes: 0n }
    const rows = await this.stage({ ...request, add: added })
    const removal = await besides(rows, this.#log.blobs, () =>
      this.stageRemoval({ ...request, positions, added, addedRows: rows.rows, changes: null }),
    )
    await using taken = ownRemoval(removal)
    failpoint('repair-after-stage')
    const version = await commitRepair(this.#target(), { id: repairId, added: rows, removal: taken })
    await this.#keepLogShort(version, 'repair')
    return version
  }

  async adopt(loader: Loader): Promise<bigint | null> {
    return commitAdoption(this.#log, loader, this.#deps)
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) await discardFiles(own(one), this.#log.blobs)
  }

  async clean(settled: bigint | null): Promise<void> {
    await this.#log.advance()
    await this.#cleaning.clean(settled)
  }

  async lastBatch(appId: string): Promise<bigint | null> {
    return this.#log.state?.txns.get(appId)?.version ?? null
  }

  async highestManifest(): Promise<bigint | null> {
    const committed = [...(this.#log.state?.txns.values() ?? [])]
      .filter((txn) => txn.appId.startsWith('ingestd/'))
      .map((txn) => txn.version)
    const last = committed.reduce<bigint | null>((highest, version) => (highest === null || version > highest ? version : highest), null)
    return highestManifest(this.#log.blobs, last)
  }

  async writeManifest(manifest: Manifest): Promise<'created' | 'exists'> {
    return writeManifest(this.#log.blobs, manifest)
  }

  async readManifest(batch: bigint): Promise<Manifest | undefined> {
    return readManifest(this.#log.blobs, batch)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await forgetQueries(this.#log)
    await this.#log.session.run(sql`drop table if exists ${this.#candidates}`)
    await this.#log.close()
    await this.#log.blobs.tidy()
  }

  #restoreBy(loader: Loader): RestoreContext {
    return { ...loader, table: this.#table, log: this.#log, deps: this.#deps }
  }

  #target(): RewriteTarget {
    return { table: this.#table, log: this.#log, deps: this.#deps, keeps: this.#keeps, cleaning: this.#cleaning }
  }

  /** A checkpoint is a Parquet file, which the folder of a table without older versions shall not have. */
  async #keepLogShort(version: bigint, owner: string): Promise<void> {
    if (this.#keeps === 'all versions') await keepLogShort({ table: this.#table, log: this.#log, deps: this.#deps }, version, owner)
  }

  /** The batch is committed: what fails here is told, and done again by a later commit or by `clean`. */
  async #afterCommit({ manifest, staged }: Pick<CommitRequest, 'manifest' | 'staged'>, version: bigint): Promise<void> {
    const { blobs } = this.#log
    try {
      for (const one of staged) await blobs.removeFolder(own(one).folder)
      await this.#cleaning.settleMoves(manifest.batch)
      await this.#removeSideFiles(manifest)
    } catch (error) {
      this.#deps.warn(`${this.#table.name}: what the commit left behind could not be removed`, error)
    }
    await this.#keepLogShort(version, manifest.batchId)
  }

  /** A restore brings older ones into force again, as long as it can reach so far back. */
  async #removeSideFiles({ sideFiles, restore }: Manifest): Promise<void> {
    const { clock } = this.#deps
    if (restore !== undefined) return
    const neededMs = this.#keeps === 'all versions' ? Math.max(this.#table.delta.logRetentionMs, this.#table.delta.fileRetentionMs) : 0
    await removeSideFiles(sideFiles, clock.now() - neededMs, this.#log.blobs)
  }
}

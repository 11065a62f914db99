import { checkpointInterval, writeCheckpoint } from '../delta/checkpoint.ts'
import { checkPartitionable } from '../delta/partition.ts'
import { columnsOf } from '../delta/schema.ts'
import type { LogState } from '../delta/snapshot.ts'
import { TableLog } from '../delta/table-log.ts'
import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { OptimizeRequest, OptimizeResult, VacuumRequest, VacuumResult } from '../model/maintenance.ts'
import type { Manifest } from '../model/manifest.ts'
import type { TableConfig } from '../model/table.ts'
import { Cleaning, type Keeps } from './cleaning.ts'
import { commitStaged } from './commit-staged.ts'
import { currentRows, sequencesOfPartitions } from './current.ts'
import type { StoreDeps } from './deps.ts'
import { historyOf } from './history.ts'
import { keepLogShort } from './log-upkeep.ts'
import { highestManifest, readManifest, writeManifest } from './manifests.ts'
import { optimizeTable } from './optimize.ts'
import { discardFiles, own, stageFolder, stageRows } from './staging.ts'
import type { CommitOutcome, CommitRequest, HistoryEntry, OpenTable, Staged, StageRequest, TableState } from './store.ts'
import { checkAllowed, checkPartitioning, fieldsAfter, newPartitioning, TRACKER_PROPERTY } from './table-content.ts'
import { checkFolder } from './target-folder.ts'
import { vacuumTable } from './vacuum.ts'

export async function openDeltaTable(table: TableConfig, session: Session, deps: StoreDeps, keeps: Keeps): Promise<OpenTable> {
  const blobs = await deps.blobs(table.targetPath)
  const log = await TableLog.open(table.name, blobs, session)
  if (log.state === undefined) await checkFolder(table.name, blobs)
  else checkPartitioning(table, log.state)
  return new DeltaTable(table, log, deps, keeps)
}

class DeltaTable implements OpenTable {
  readonly #table: TableConfig
  readonly #log: TableLog
  readonly #deps: StoreDeps
  readonly #keeps: Keeps
  readonly #cleaning: Cleaning

  constructor(table: TableConfig, log: TableLog, deps: StoreDeps, keeps: Keeps) {
    this.#table = table
    this.#log = log
    this.#deps = deps
    this.#keeps = keeps
    this.#cleaning = new Cleaning(log, keeps)
  }

  get state(): TableState | null {
    return this.#log.state === undefined ? null : tableState(this.#log.state)
  }

  async refresh(): Promise<void> {
    await this.#log.advance()
    if (this.#log.state) checkPartitioning(this.#table, this.#log.state)
  }

  async current(): Promise<Sql> {
    return currentRows(this.#log)
  }

  async partitionSequences(): Promise<Sql> {
    return sequencesOfPartitions(this.#log)
  }

  async stage(request: StageRequest): Promise<Staged> {
    const { state } = this.#log
    const after = fieldsAfter(state, request.columns)
    const byName = new Map(after.map((field) => [field.name.toLowerCase(), field]))
    const fields = request.columns.flatMap((column) => byName.get(column.name.toLowerCase()) ?? [])
    const names = state?.metadata.partitionColumns ?? newPartitioning(this.#table, fields)
    const types = new Map(columnsOf(fields).map((column) => [column.name, column.type]))
    const partitionColumns = names.map((name) => ({ name, type: types.get(name) ?? 'VARCHAR' }))
    checkPartitionable(this.#table.name, partitionColumns)
    return stageRows(request, {
      name: this.#table.name,
      blobs: this.#log.blobs,
      session: this.#log.session,
      folder: stageFolder(request.batchId, this.#deps.newId()),
      fields,
      partitionColumns,
      properties: state?.metadata.configuration ?? this.#table.tableProperties,
      targetFileSize: this.#table.delta.targetFileSize,
    })
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
    })
    if (result.kind !== 'committed') return result
    await this.#afterCommit(request, result.version)
    return { kind: 'committed', version: result.version }
  }

  async optimize(request: OptimizeRequest): Promise<OptimizeResult> {
    const upkeep = { table: this.#table, log: this.#log, deps: this.#deps }
    const committed = async (version: bigint) => {
      if (this.#keeps === 'all versions') await keepLogShort(upkeep, version, 'optimize')
    }
    return optimizeTable({ ...upkeep, keeps: this.#keeps, cleaning: this.#cleaning, committed }, request)
  }

  async vacuum(request: VacuumRequest): Promise<VacuumResult> {
    return vacuumTable({ table: this.#table, log: this.#log, deps: this.#deps, keeps: this.#keeps, cleaning: this.#cleaning }, request)
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

  async history(limit: number): Promise<readonly HistoryEntry[]> {
    return historyOf(this.#log, limit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.close()
  }

  /** The batch is committed: what fails here is told, and done again by a later commit or by `clean`. */
  async #afterCommit({ manifest, staged }: CommitRequest, version: bigint): Promise<void> {
    const { blobs } = this.#log
    await this.#told('what the commit left behind could not be removed', async () => {
      for (const one of staged) await blobs.removeFolder(own(one).folder)
      await this.#cleaning.settleMoves(manifest.batch)
    })
    if (this.#keeps === 'all versions') await keepLogShort({ table: this.#table, log: this.#log, deps: this.#deps }, version, manifest.batchId)
  }

  async #told(problem: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#deps.warn(`${this.#table.name}: ${problem}`, error)
    }
  }
}

function tableState({ version, metadata, fields, committedAtMs }: LogState): TableState {
  return {
    version,
    tableId: metadata.id,
    columns: columnsOf(fields),
    partitionColumns: metadata.partitionColumns,
    properties: metadata.configuration,
    trackerId: metadata.configuration[TRACKER_PROPERTY] ?? null,
    committedAtMs,
  }
}

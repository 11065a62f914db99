import { id, raw, type Sql, sql } from '../engine/sql.ts'
import type { PartitionValues } from './actions.ts'
import type { IsolationLevel } from './commit-content.ts'
import { reading } from './damage.ts'
import { integerOf, isRecord, parsedRecord, textOf, textsOf } from './decode.ts'
import { commitPath } from './log-names.ts'
import { commitRows } from './log-sql.ts'
import type { PartitionColumn } from './partition.ts'
import { inPartitions } from './removal.ts'
import type { LogState } from './snapshot.ts'
import type { TableLog } from './table-log.ts'

/** A part of the table's files. */
export type Scope =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'everything' }
  | { readonly kind: 'partitions'; readonly partitions: readonly PartitionValues[] }

/** What our commit rests on. */
export interface Intent {
  /** The rows that the plan was made from: it is wrong once others add or change some of them. */
  readonly reads: Scope
  /** The files that it takes out, or whose deletion vector it changes; `files` is a relation with their `path` as logged. */
  readonly removes: Scope | { readonly kind: 'files'; readonly files: Sql }
  /** False when it only rearranges rows, or touches no file at all. */
  readonly changesRows: boolean
  readonly changesMetadata: boolean
  readonly changesProtocol: boolean
  /** Names of the domains whose metadata it changes. */
  readonly domains?: readonly string[]
  /** The table's, where a scope names partitions. */
  readonly partitionColumns: readonly PartitionColumn[]
}

/** A batch as the log knows it. */
export interface OwnBatch {
  readonly appId: string
  readonly batch: bigint
  readonly batchId: string
}

/** What a commit did, as far as others that were made beside it are concerned. */
export interface Winner {
  readonly version: bigint
  readonly changedProtocol: boolean
  readonly changedMetadata: boolean
  readonly domains: readonly string[]
  readonly isBlindAppend: boolean
  /** Whether it added rows among those that we read, and whether it changed or removed some of them. */
  readonly addedRead: boolean
  readonly removedRead: boolean
  /** Whether it touched the files that we remove. */
  readonly touchedRemoved: boolean
  /** Its batch, where it is a commit of our own application id. */
  readonly batch: bigint | null
  readonly batchId: string | null
}

/** What became of our batch before. */
export type Settled =
  | { readonly kind: 'alreadyCommitted'; readonly version: bigint }
  | { readonly kind: 'overtaken'; readonly batch: bigint; readonly version: bigint }

export interface Conflict {
  readonly kind: 'conflict'
  readonly version: bigint
  readonly reason: string
}

/** Our own application goes first: a batch of ours settles the matter, whatever else happened. */
export function ownBatch(winners: readonly Winner[], own: OwnBatch): Settled | undefined {
  for (const { version, batch, batchId } of winners) {
    if (batch === null) continue
    return batchId === own.batchId ? { kind: 'alreadyCommitted', version } : { kind: 'overtaken', batch, version }
  }
  return undefined
}

/** Whether our commit can go on top of commits that others made since it was planned; undefined when it can. */
export function judge(winners: readonly Winner[], intent: Intent, state: LogState | undefined): Conflict | undefined {
  const isolation = isolationOf(intent, state)
  for (const winner of winners) {
    const reason = conflictWith(winner, intent, isolation)
    if (reason !== undefined) return { kind: 'conflict', version: winner.version, reason: `version ${winner.version} ${reason}` }
  }
  return undefined
}

/** How strictly a commit is judged: a table that says nothing gets the strictest, a mere rearrangement needs the least. */
export function isolationOf({ changesRows }: Intent, state: LogState | undefined): IsolationLevel {
  if (!changesRows) return 'SnapshotIsolation'
  return state?.metadata.configuration['delta.isolationLevel']?.trim().toLowerCase() === 'writeserializable'
    ? 'WriteSerializable'
    : 'Serializable'
}

/** The matrix of conflicts, in the order in which Spark looks: what a commit rests on must not have changed. */
function conflictWith(winner: Winner, intent: Intent, isolation: IsolationLevel): string | undefined {
  if (winner.changedProtocol && intent.changesProtocol) return 'changed the protocol of the table'
  if (winner.changedMetadata) return 'changed the schema or the properties of the table'
  const domain = winner.domains.find((name) => intent.domains?.includes(name))
  if (domain !== undefined) return `changed the domain metadata ${domain}`
  if (isolation !== 'SnapshotIsolation') {
    // Under the weaker level rows that were added blindly may as well have come after ours.
    const overlooked = isolation === 'WriteSerializable' && winner.isBlindAppend && !intent.changesMetadata
    if (winner.addedRead && !overlooked) return 'added rows to those that the plan rests on'
    if (winner.removedRead) return 'changed rows that the plan rests on'
  }
  return winner.touchedRemoved ? 'changed files that were to be replaced' : undefined
}

/** Reads what commits did, in the eyes of a commit of ours. */
export async function winnersOf(
  versions: readonly bigint[],
  intent: Intent,
  { blobs, session }: Pick<TableLog, 'blobs' | 'session'>,
  appId: string | undefined,
): Promise<readonly Winner[]> {
  if (versions.length === 0) return []
  const paths = await blobs.fetch(versions.map(commitPath))
  const commits = commitRows(paths, ['protocol', 'metaData', 'domainMetadata', 'txn', 'add', 'remove', 'commitInfo'])
  const { partitionColumns } = intent
  const isRead = (action: 'add' | 'remove') =>
    sql`(${id(action)}.path is not null and coalesce(${id(action)}."dataChange", true) and ${inScope(intent.reads, action, partitionColumns)})`
  const isRemoved = (action: 'add' | 'remove') =>
    sql`(${id(action)}.path is not null and ${inScope(intent.removes, action, partitionColumns)})`
  const rows = await reading(blobs, () =>
    session.rows(sql`select version, bool_or(protocol is not null) as protocol, bool_or("metaData" is not null) as metadata,
      list("domainMetadata"."domain") filter ("domainMetadata" is not null) as domains,
      bool_or(${isRead('add')}) as added, bool_or(${isRead('remove')}) as removed,
      bool_or(${isRemoved('add')} or ${isRemoved('remove')}) as touched,
      max(txn.version) filter (txn."appId" = ${appId ?? null}) as batch,
      first("commitInfo"::varchar) filter ("commitInfo" is not null) as info
      from ${commits} group by version order by version`),
  )
  return rows.map(winnerOf)
}

/** Whether the file of an action is in a scope. */
function inScope(scope: Intent['removes'], action: 'add' | 'remove', columns: readonly PartitionColumn[]): Sql {
  switch (scope.kind) {
    case 'nothing':
      return raw('false')
    case 'everything':
      return raw('true')
    case 'files':
      // What only reads like another path for the same file is compared as what it means.
      return sql`(url_decode(${id(action)}.path) in (select url_decode(path) from ${scope.files}))`
    case 'partitions': {
      if (scope.partitions.length === 0) return raw('false')
      const values = sql`${id(action)}."partitionValues"`
      // Some writers leave the values out of a remove; it may then be anywhere.
      return sql`(${values} is null or ${inPartitions(scope.partitions, columns, values)})`
    }
  }
}

function winnerOf(row: Readonly<Record<string, unknown>>): Winner {
  const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
  const own = isRecord(info['ingestd']) ? info['ingestd'] : {}
  return {
    version: integerOf(row['version']) ?? 0n,
    changedProtocol: row['protocol'] === true,
    changedMetadata: row['metadata'] === true,
    domains: textsOf(row['domains']) ?? [],
    isBlindAppend: info['isBlindAppend'] === true,
    addedRead: row['added'] === true,
    removedRead: row['removed'] === true,
    touchedRemoved: row['touched'] === true,
    batch: integerOf(row['batch']),
    batchId: textOf(own['batchId']),
  }
}

import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { raw, type Sql, sql } from '../engine/sql.ts'
import { reading } from './damage.ts'
import { integerOf, isRecord, parsedRecord, textOf } from './decode.ts'
import { commitPath } from './log-names.ts'
import { commitRows } from './log-sql.ts'
import type { PartitionColumn } from './partition.ts'
import { inPartitions, type Removal } from './removal.ts'

/** What a commit did, as far as others that were made beside it are concerned. */
export interface Winner {
  readonly version: bigint
  readonly changedProtocol: boolean
  readonly changedMetadata: boolean
  /** Whether it added or removed any file. */
  readonly touchedFiles: boolean
  /** Whether rows changed: it did more than rearrange files. */
  readonly changedRows: boolean
  /** Whether it touched a partition that our commit replaces. */
  readonly touchedPartitions: boolean
  /** Its batch, where it is a commit of our own application id. */
  readonly batch: bigint | null
  readonly batchId: string | null
  readonly txnId: string | null
}

/** What our commit rests on. */
export interface Intent {
  readonly appId: string
  readonly batchId: string
  readonly removal: Removal
  /** False when the plan read the table's rows. */
  readonly blindAppend: boolean
  readonly raisesProtocol: boolean
  readonly partitionColumns: readonly PartitionColumn[]
}

export type Judgement =
  | { readonly kind: 'alreadyCommitted'; readonly version: bigint }
  | { readonly kind: 'overtaken'; readonly batch: bigint; readonly version: bigint }
  | { readonly kind: 'conflict'; readonly version: bigint; readonly reason: string }

/** Whether our commit can go on top of commits that others made since it was planned; undefined when it can. */
export function judge(winners: readonly Winner[], intent: Intent): Judgement | undefined {
  // Our own application first: a batch of ours settles the matter, whatever else happened.
  for (const { version, batch, batchId } of winners) {
    if (batch === null) continue
    return batchId === intent.batchId ? { kind: 'alreadyCommitted', version } : { kind: 'overtaken', batch, version }
  }
  for (const winner of winners) {
    const reason = conflictWith(winner, intent)
    if (reason !== undefined) return { kind: 'conflict', version: winner.version, reason: `version ${winner.version} ${reason}` }
  }
  return undefined
}

/** Reads what commits did. */
export async function winnersOf(versions: readonly bigint[], intent: Intent, blobs: Blobs, session: Session): Promise<readonly Winner[]> {
  if (versions.length === 0) return []
  const paths = versions.map((version) => blobs.localPath(commitPath(version)))
  const commits = commitRows(paths, ['protocol', 'metaData', 'txn', 'add', 'remove', 'commitInfo'])
  const isFile = sql`("add".path is not null or "remove".path is not null)`
  const rows = await reading(blobs, () =>
    session.rows(sql`select version, bool_or(protocol is not null) as protocol, bool_or("metaData" is not null) as metadata,
      bool_or(${isFile}) as files, bool_or(${isFile} and coalesce("add"."dataChange", "remove"."dataChange", true)) as data,
      bool_or(${isFile} and ${partitionMatch(intent)}) as partitions,
      max(txn.version) filter (txn."appId" = ${intent.appId}) as batch, first("commitInfo"::varchar) filter ("commitInfo" is not null) as info
      from ${commits} group by version order by version`),
  )
  return rows.map(winnerOf)
}

/** Winners in the words of the matrix of conflicts: what a commit rests on must not have changed. */
function conflictWith(winner: Winner, { removal, blindAppend, raisesProtocol }: Intent): string | undefined {
  if (winner.changedMetadata) return 'changed the schema or the properties of the table'
  if (winner.changedProtocol && raisesProtocol) return 'changed the protocol of the table'
  switch (removal.kind) {
    case 'nothing':
      return !blindAppend && winner.changedRows ? 'changed rows that the plan had read' : undefined
    case 'everything':
      return winner.touchedFiles ? 'changed files of the table that was to be replaced' : undefined
    case 'partitions':
      return winner.touchedPartitions ? 'changed a partition that was to be replaced' : undefined
  }
}

function partitionMatch({ removal, partitionColumns }: Intent): Sql {
  if (removal.kind !== 'partitions' || removal.partitions.length === 0) return raw('false')
  const values = sql`coalesce("add"."partitionValues", "remove"."partitionValues")`
  // Some writers leave the values out of a remove; it may then be anywhere.
  return sql`(${values} is null or ${inPartitions(removal.partitions, partitionColumns, values)})`
}

function winnerOf(row: Readonly<Record<string, unknown>>): Winner {
  const info = parsedRecord(textOf(row['info']) ?? '') ?? {}
  const own = isRecord(info['ingestd']) ? info['ingestd'] : {}
  return {
    version: integerOf(row['version']) ?? 0n,
    changedProtocol: row['protocol'] === true,
    changedMetadata: row['metadata'] === true,
    touchedFiles: row['files'] === true,
    changedRows: row['data'] === true,
    touchedPartitions: row['partitions'] === true,
    batch: integerOf(row['batch']),
    batchId: textOf(own['batchId']),
    txnId: textOf(info['txnId']),
  }
}

import type { Blobs } from '../blobs/blobs.ts'
import type { Row, Session } from '../engine/engine.ts'
import { id, join, type Sql, sql } from '../engine/sql.ts'
import {
  type DomainMetadata,
  decodeDomain,
  decodeMetadata,
  decodeProtocol,
  decodeTxn,
  type Metadata,
  type Protocol,
  type Txn,
} from './actions.ts'
import { openCheckpoint } from './checkpoint-read.ts'
import { damaged, reading } from './damage.ts'
import { integerOf, parsedRecord } from './decode.ts'
import { filesOf, type LogFile, type LogSegment } from './listing.ts'
import { commitPath, LOG_FOLDER, padded } from './log-names.ts'
import { commitRows } from './log-sql.ts'
import { type DeltaField, parseSchema } from './schema.ts'

/** What the log says of the table but for its files. */
export interface LogState {
  readonly version: bigint
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly fields: readonly DeltaField[]
  readonly txns: ReadonlyMap<string, Txn>
  readonly domains: ReadonlyMap<string, DomainMetadata>
  /** Milliseconds since the epoch. */
  readonly committedAtMs: number
}

/** The state that a segment gives. TableError where a part of it cannot be read. */
export async function readState(segment: LogSegment, blobs: Blobs, session: Session): Promise<LogState> {
  return reading(blobs, async () => {
    const { checkpoint, version } = segment
    const base = checkpoint === null ? [] : await checkpointControl(segment, blobs, session)
    const files = filesOf(segment)
    const newer = files.length === 0 ? [] : await session.rows(await controlQuery(files, version, blobs))
    // A checkpoint and a compaction leave out what the last commit says of itself.
    const info = newer.some((row) => row['commitInfo'] !== null) ? [] : await lastInfo(version, blobs, session)
    return stateFrom([...base, ...newer, ...info], undefined, version, blobs)
  })
}

/** The state after further commits. */
export async function advancedState(base: LogState, files: readonly LogFile[], blobs: Blobs, session: Session): Promise<LogState> {
  const version = files.at(-1)?.version ?? base.version
  const rows = await reading(blobs, async () => session.rows(await controlQuery(files, version, blobs)))
  return stateFrom(rows, base, version, blobs)
}

/** The `commitInfo` of a version, whose commit is kept beside a checkpoint, though not by every clean-up. */
async function lastInfo(version: bigint, blobs: Blobs, session: Session): Promise<readonly Row[]> {
  const path = commitPath(version)
  if (!(await blobs.list(LOG_FOLDER, padded(version))).some((entry) => entry.path === path)) return []
  const rows = commitRows(await blobs.fetch([path]), ['commitInfo'])
  return session.rows(sql`select "commitInfo"::varchar as "commitInfo" from ${rows} where "commitInfo" is not null limit 1`)
}

/** All actions but those of files, in the order of their versions, and the `commitInfo` of the last version. */
async function controlQuery(files: readonly LogFile[], last: bigint, blobs: Blobs): Promise<Sql> {
  const paths = await blobs.fetch(files.map(({ path }) => path))
  const rows = commitRows(paths, ['protocol', 'metaData', 'txn', 'domainMetadata', 'commitInfo'])
  const told = sql`protocol is not null or "metaData" is not null or txn is not null or "domainMetadata" is not null`
  return sql`select version, protocol, "metaData", txn, "domainMetadata", case when version = ${last} then "commitInfo"::varchar end as "commitInfo"
    from ${rows} where ${told} or ("commitInfo" is not null and version = ${last}) order by version`
}

/** A field that every action of the kind has: a struct of nulls stands for none. */
const REQUIRED = { protocol: 'minReaderVersion', metaData: 'id', txn: 'appId', domainMetadata: 'domain' } as const

async function checkpointControl({ checkpoint }: LogSegment, blobs: Blobs, session: Session): Promise<readonly Row[]> {
  if (checkpoint === null) return []
  const found: Row[] = []
  for (const { rows, shape } of (await openCheckpoint(checkpoint, blobs, session)).control) {
    const names = Object.entries(REQUIRED).filter(([name]) => shape.has(name))
    if (names.length === 0) continue
    const told = names.map(([name, field]) => sql`${id(name)}.${id(field)} is not null`)
    found.push(...(await session.rows(sql`select ${join(names.map(([name]) => id(name)))} from ${rows} where ${join(told, ' or ')}`)))
  }
  return found
}

/** The state after rows of actions in the order of their versions, on top of an earlier state. */
function stateFrom(rows: readonly Row[], base: LogState | undefined, version: bigint, blobs: Blobs): LogState {
  let { protocol, metadata } = base ?? {}
  const txns = new Map(base?.txns)
  const domains = new Map(base?.domains)
  let committedAtMs = base?.committedAtMs ?? 0
  for (const row of rows) {
    protocol = decodeProtocol(row['protocol']) ?? protocol
    metadata = decodeMetadata(row['metaData']) ?? metadata
    const txn = decodeTxn(row['txn'])
    if (txn) txns.set(txn.appId, txn)
    const domain = decodeDomain(row['domainMetadata'])
    if (domain?.removed) domains.delete(domain.domain)
    else if (domain) domains.set(domain.domain, domain)
    committedAtMs = timestampOf(row['commitInfo']) ?? committedAtMs
  }
  if (protocol === undefined) throw damaged(blobs, 'it has no protocol')
  if (metadata === undefined) throw damaged(blobs, 'it has no metadata')
  const fields = metadata === base?.metadata ? base.fields : parseSchema(metadata.schemaString)
  return { version, protocol, metadata, fields, txns, domains, committedAtMs }
}

function timestampOf(commitInfo: unknown): number | undefined {
  if (typeof commitInfo !== 'string') return undefined
  const info = parsedRecord(commitInfo)
  const timestamp = integerOf(info?.['inCommitTimestamp']) ?? integerOf(info?.['timestamp'])
  return timestamp === null ? undefined : Number(timestamp)
}

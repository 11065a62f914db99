import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
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
import { ActiveFiles } from './active-files.ts'
import { damaged, reading } from './damage.ts'
import { integerOf, parsedRecord } from './decode.ts'
import { checkFeatures, mayHoldDeletionVectors, refused } from './features.ts'
import { commitsAfter, type LogSegment, listFromHint, listWhole, segmentsOf } from './listing.ts'
import { commitPath } from './log-names.ts'
import { checkpointRows, checkpointShape, commitRows } from './log-sql.ts'
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

/**
 * The table at one version. Protocol, metadata and transactions are read at once; the files become a temporary table
 * of the engine when they are first asked for, so that a blind append to a table of a million files reads none of them.
 */
export class Snapshot {
  readonly #name: string
  readonly #blobs: Blobs
  readonly #session: Session
  readonly #files: ActiveFiles
  #state: LogState

  private constructor(name: string, state: LogState, files: ActiveFiles, io: { readonly blobs: Blobs; readonly session: Session }) {
    this.#name = name
    this.#blobs = io.blobs
    this.#session = io.session
    this.#files = files
    this.#state = state
  }

  /** The newest version; undefined when the folder holds no log. TableError for a damaged log or a feature that we refuse. */
  static async open(name: string, blobs: Blobs, session: Session): Promise<Snapshot | undefined> {
    const newest = (await readHinted(blobs, session)) ?? (await readWhole(blobs, session))
    if (newest === undefined) return undefined
    const { segment, state } = newest
    const snapshot = new Snapshot(name, state, new ActiveFiles(segment, blobs, session), { blobs, session })
    await snapshot.#checkGate()
    return snapshot
  }

  get state(): LogState {
    return this.#state
  }

  /** Relation of the active files: path, dv, `add`. */
  async files(): Promise<Sql> {
    return this.#files.active()
  }

  /** Relation of the files that were removed, and may still be read by older versions: path, dv, `remove`. */
  async tombstones(): Promise<Sql> {
    return this.#files.tombstones()
  }

  /** Reads the commits that others made since; their versions. */
  async advance(): Promise<readonly bigint[]> {
    const versions = await commitsAfter(this.#state.version, this.#blobs)
    const last = versions.at(-1)
    if (last === undefined) return []
    const paths = versions.map((version) => this.#blobs.localPath(commitPath(version)))
    const rows = await reading(this.#blobs, () => this.#session.rows(controlQuery(paths, last)))
    this.#state = stateFrom(rows, this.#state, last, this.#blobs)
    this.#files.add(versions)
    await this.#checkGate()
    return versions
  }

  /** Takes over what our own commit wrote, without reading it again. */
  committed(state: LogState): void {
    this.#state = state
    this.#files.add([state.version])
  }

  async close(): Promise<void> {
    await this.#files.close()
  }

  async #checkGate(): Promise<void> {
    const { protocol, metadata, fields } = this.#state
    checkFeatures(this.#name, protocol, metadata, fields)
    if (!mayHoldDeletionVectors(protocol)) return
    const [found] = await this.#session.rows(sql`select 1 from ${await this.files()} where dv <> '' limit 1`)
    if (found) throw refused(this.#name, 'deletionVectors')
  }
}

interface Newest {
  readonly segment: LogSegment
  readonly state: LogState
}

/** Undefined where the hint, or what it leads to, cannot be used: the whole log then decides. */
async function readHinted(blobs: Blobs, session: Session): Promise<Newest | undefined> {
  const listing = await listFromHint(blobs)
  if (listing === undefined) return undefined
  try {
    return await readNewest(segmentsOf(listing, blobs), blobs, session)
  } catch (error) {
    if (error instanceof TableError) return undefined
    throw error
  }
}

async function readWhole(blobs: Blobs, session: Session): Promise<Newest | undefined> {
  const listing = await listWhole(blobs)
  const { commits, checkpoints, empty, hasV2Checkpoint } = listing
  if (commits.length + checkpoints.length + empty.length === 0 && !hasV2Checkpoint) return undefined
  return readNewest(segmentsOf(listing, blobs), blobs, session)
}

async function readNewest(
  segments: readonly LogSegment[],
  blobs: Blobs,
  session: Session,
): Promise<{ segment: LogSegment; state: LogState }> {
  let failure: unknown
  for (const segment of segments) {
    try {
      return { segment, state: await reading(blobs, () => readState(segment, blobs, session)) }
    } catch (error) {
      // A checkpoint that cannot be read is not the end: an older one, or the commits alone, give the same version.
      failure ??= error
    }
  }
  throw failure
}

async function readState(segment: LogSegment, blobs: Blobs, session: Session): Promise<LogState> {
  const rows =
    segment.checkpoint === null
      ? []
      : await checkpointControl(
          segment.checkpoint.paths.map((path) => blobs.localPath(path)),
          session,
        )
  const paths = segment.commits.map((version) => blobs.localPath(commitPath(version)))
  const newer = paths.length === 0 ? await lastInfo(segment.version, blobs) : await session.rows(controlQuery(paths, segment.version))
  return stateFrom([...rows, ...newer], undefined, segment.version, blobs)
}

/** The `commitInfo` of the version that a checkpoint stands for; its commit is kept beside it. */
async function lastInfo(version: bigint, blobs: Blobs) {
  const content = await blobs.read(commitPath(version))
  const [first] = new TextDecoder().decode(content).split('\n', 1)
  return [{ commitInfo: JSON.stringify(parsedRecord(first ?? '')?.['commitInfo'] ?? null) }]
}

/** All actions but those of files, in the order of their versions, and the `commitInfo` of the last version. */
function controlQuery(paths: readonly string[], last: bigint): Sql {
  const rows = commitRows(paths, ['protocol', 'metaData', 'txn', 'domainMetadata', 'commitInfo'])
  const told = sql`protocol is not null or "metaData" is not null or txn is not null or "domainMetadata" is not null`
  return sql`select version, protocol, "metaData", txn, "domainMetadata", case when version = ${last} then "commitInfo"::varchar end as "commitInfo"
    from ${rows} where ${told} or ("commitInfo" is not null and version = ${last}) order by version`
}

/** A field that every action of the kind has: a struct of nulls stands for none. */
const REQUIRED = { protocol: 'minReaderVersion', metaData: 'id', txn: 'appId', domainMetadata: 'domain' } as const

async function checkpointControl(paths: readonly string[], session: Session) {
  const shape = await checkpointShape(paths, session)
  const names = Object.entries(REQUIRED).filter(([name]) => shape.has(name))
  if (names.length === 0) return []
  const told = names.map(([name, field]) => sql`${id(name)}.${id(field)} is not null`)
  return session.rows(sql`select ${join(names.map(([name]) => id(name)))} from ${checkpointRows(paths)} where ${join(told, ' or ')}`)
}

/** The state after rows of actions in the order of their versions, on top of an earlier state. */
function stateFrom(
  rows: readonly Readonly<Record<string, unknown>>[],
  base: LogState | undefined,
  version: bigint,
  blobs: Blobs,
): LogState {
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

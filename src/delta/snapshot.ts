import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { ActiveFiles } from './active-files.ts'
import { checkFeatures, type Gate } from './features.ts'
import {
  type CommitFile,
  checkCommits,
  commitsAfter,
  type KnownCommit,
  type LogSegment,
  listFromHint,
  listWhole,
  logFile,
  rangeOf,
  segmentsOf,
} from './listing.ts'
import { advancedState, type LogState, readState } from './log-state.ts'
import { checkTypeChanges } from './type-widening.ts'
import { versionAt } from './version-at.ts'

export type { LogState } from './log-state.ts'

/** A version, or the newest one that was there at a time. */
export type At = { readonly version: bigint } | { readonly timestampMs: number }

export interface SnapshotOptions {
  /** The newest version when left out. A snapshot of an earlier one stays at it. */
  readonly at?: At | undefined
  /** Whether the table is only read, or written too; `write` when left out. */
  readonly gate?: Gate | undefined
}

export interface LastCheckpoint {
  readonly version: bigint
  /** How many files the table had; null where that is not known without counting. */
  readonly files: bigint | null
}

interface Opened {
  readonly state: LogState
  /** Ways to read its files, the cheapest that gave the state first. */
  readonly segments: readonly [LogSegment, ...LogSegment[]]
}

interface SnapshotIo {
  readonly blobs: Blobs
  readonly session: Session
}

/**
 * The table at one version. Protocol, metadata and transactions are read at once; the files become a temporary table
 * of the engine when they are first asked for, so that a blind append to a table of a million files reads none of them.
 */
export class Snapshot {
  readonly #name: string
  readonly #io: SnapshotIo
  readonly #files: ActiveFiles
  readonly #gate: Gate
  readonly #pinned: boolean
  /** Commits as they were listed when they were read. */
  #read: readonly CommitFile[]
  #state: LogState
  #last: KnownCommit
  #checkpoint: LastCheckpoint

  private constructor(name: string, { state, segments }: Opened, io: SnapshotIo, { at, gate }: SnapshotOptions) {
    this.#name = name
    this.#io = io
    this.#files = new ActiveFiles(segments, io.blobs, io.session)
    this.#gate = gate ?? 'write'
    this.#pinned = at !== undefined
    this.#read = segments[0].commits
    this.#state = state
    this.#last = { version: state.version, listed: this.#read.at(-1) ?? null }
    this.#checkpoint = { version: segments[0].checkpoint?.version ?? 0n, files: segments[0].checkpoint?.files ?? null }
  }

  /**
   * Undefined when the folder holds no log. TableError for a damaged log, for a feature that we refuse, and
   * ING-TABLE-VERSION for a version that is not to be had.
   */
  static async open(name: string, blobs: Blobs, session: Session, options: SnapshotOptions = {}): Promise<Snapshot | undefined> {
    const io = { blobs, session }
    const { at } = options
    const opened = at === undefined ? await readNewest(io) : await readAt(name, at, io)
    if (opened === undefined) return undefined
    const snapshot = new Snapshot(name, opened, io, options)
    snapshot.#checkGate(opened.state)
    return snapshot
  }

  get state(): LogState {
    return this.#state
  }

  /** The newest checkpoint that we read or wrote; version 0 before the first. */
  get checkpoint(): LastCheckpoint {
    return this.#checkpoint
  }

  /** Relation of the active files: path, dv, `add`. */
  async files(): Promise<Sql> {
    return this.#files.active()
  }

  /** Relation of the files that were removed, and may still be read by older versions: path, dv, `remove`. */
  async tombstones(): Promise<Sql> {
    return this.#files.tombstones()
  }

  /** Reads the commits that others made since; their versions. TableError when the log is not the one that was read before. */
  async advance(): Promise<readonly bigint[]> {
    if (this.#pinned) return []
    const { blobs, session } = this.#io
    const { again, newer } = await commitsAfter(this.#last, blobs)
    if (again !== null && this.#last.listed === null) this.#read = [...this.#read, again]
    const last = newer.at(-1)
    if (last === undefined) {
      this.#last = { version: this.#last.version, listed: again }
      return []
    }
    const files = newer.map(({ version }) => logFile(version))
    const state = await advancedState(this.#state, files, blobs, session)
    // Before it is taken over: what is refused now is refused by the next call too.
    this.#checkGate(state)
    this.#state = state
    this.#last = { version: last.version, listed: last }
    this.#read = [...this.#read, ...newer]
    this.#files.add(files)
    return newer.map(({ version }) => version)
  }

  /** Takes over what our own commit wrote, without reading it again. */
  committed(state: LogState): void {
    this.#state = state
    this.#last = { version: state.version, listed: null }
    this.#files.add([logFile(state.version)])
  }

  /**
   * Refuses to go on where a commit was replaced since it was read: by another log, or by the rest of itself, where its
   * writer does not put commits in place whole. Before a checkpoint, which would make for ever what was read by halves.
   */
  async checkUnchanged(): Promise<void> {
    await checkCommits(this.#read, this.#io.blobs)
  }

  checkpointed(checkpoint: LastCheckpoint): void {
    this.#checkpoint = checkpoint
    // Commits below it are made for ever; a process that lives long would gather them all.
    this.#read = this.#read.filter(({ version }) => version > checkpoint.version)
  }

  async close(): Promise<void> {
    await this.#files.close()
  }

  #checkGate(state: LogState): void {
    checkFeatures(this.#name, state, this.#gate)
    checkTypeChanges(this.#name, state.fields)
  }
}

/** Where the hint, or what it leads to, cannot be used, the whole log decides. */
async function readNewest(io: SnapshotIo): Promise<Opened | undefined> {
  const recent = await listFromHint(io.blobs)
  try {
    if (recent !== undefined) return await firstReadable(segmentsOf(recent, io.blobs), io)
  } catch (error) {
    if (!(error instanceof TableError)) throw error
  }
  const listing = await listWhole(io.blobs)
  if (listing.commits.length + listing.checkpoints.length + listing.empty.length === 0) return undefined
  return firstReadable(segmentsOf(listing, io.blobs), io)
}

async function readAt(name: string, at: At, io: SnapshotIo): Promise<Opened | undefined> {
  if ('version' in at) return readVersion(name, at.version, io)
  const newest = await readNewest(io)
  if (newest === undefined) return undefined
  const listing = await listWhole(io.blobs)
  const version = await versionAt(at.timestampMs, listing, newest.state.metadata, io)
  const range = rangeOf(listing)
  if (version !== undefined && range !== undefined && version >= range.oldest) return readVersion(name, version, io)
  const time = new Date(at.timestampMs).toISOString()
  throw notToBeHad(`${name}: what it held at ${time} is not to be had`, range?.oldest, newest.state.version)
}

async function readVersion(name: string, version: bigint, io: SnapshotIo): Promise<Opened | undefined> {
  const recent = await listFromHint(io.blobs, version)
  const hinted = recent === undefined ? [] : segmentsOf(recent, io.blobs, version)
  try {
    if (hinted.length > 0) return await firstReadable(hinted, io)
  } catch (error) {
    if (!(error instanceof TableError)) throw error
  }
  const listing = await listWhole(io.blobs)
  if (listing.commits.length + listing.checkpoints.length === 0) return undefined
  const segments = segmentsOf(listing, io.blobs, version)
  if (segments.length > 0) return firstReadable(segments, io)
  const range = rangeOf(listing)
  if (range === undefined || (version >= range.oldest && version <= range.newest)) segmentsOf(listing, io.blobs)
  throw notToBeHad(`${name}: version ${version} is not to be had`, range?.oldest, range?.newest)
}

function notToBeHad(problem: string, oldest: bigint | undefined, newest: bigint | undefined): TableError {
  const left = oldest === undefined ? '' : oldest === newest ? `; version ${oldest} is` : `; versions ${oldest} to ${newest} are`
  return new TableError('ING-TABLE-VERSION', problem + left)
}

/** A checkpoint that cannot be read is not the end: an older one, or the commits alone, give the same version. */
async function firstReadable(segments: readonly LogSegment[], { blobs, session }: SnapshotIo): Promise<Opened> {
  let failure: unknown
  for (const [index, segment] of segments.entries()) {
    try {
      return { state: await readState(segment, blobs, session), segments: [segment, ...segments.slice(index + 1)] }
    } catch (error) {
      if (!(error instanceof TableError)) throw error
      failure ??= error
    }
  }
  throw failure
}

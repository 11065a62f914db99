import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { id, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { openCheckpoint } from './checkpoint-read.ts'
import { reading } from './damage.ts'
import { filesOf, type LogFile, type LogSegment, listWhole, segmentsOf } from './listing.ts'
import { ACTION_TYPES, checkpointAction, commitRows, deletionVectorId } from './log-sql.ts'

/**
 * The files of a table as two temporary tables: active ones and tombstones. They are made when first asked for, and
 * brought up to date commit by commit. Never a list in JavaScript: a table may have a million files.
 */
export class ActiveFiles {
  readonly #blobs: Blobs
  readonly #session: Session
  /** Ways to the version that was opened; a later one serves where an earlier one cannot be read. */
  readonly #segments: readonly LogSegment[]
  readonly #active: Sql
  readonly #tombstones: Sql
  /** Commits above the segments. */
  readonly #newer: LogFile[] = []
  /** How many of the newer commits are in the tables; null while there are no tables. */
  #applied: number | null = null

  constructor(segments: readonly LogSegment[], blobs: Blobs, session: Session) {
    this.#blobs = blobs
    this.#session = session
    this.#segments = segments
    this.#active = id(session.temporaryName('delta_active'))
    this.#tombstones = id(session.temporaryName('delta_tombstones'))
  }

  add(files: readonly LogFile[]): void {
    this.#newer.push(...files)
  }

  async active(): Promise<Sql> {
    await this.#load()
    return this.#active
  }

  async tombstones(): Promise<Sql> {
    await this.#load()
    return this.#tombstones
  }

  async close(): Promise<void> {
    await this.#session.run(sql`drop table if exists ${this.#active}`)
    await this.#session.run(sql`drop table if exists ${this.#tombstones}`)
    this.#applied = null
  }

  async #load(): Promise<void> {
    const applied = this.#applied
    // Tables that were left half-made would give wrong rows: after an error the next call makes them anew.
    this.#applied = null
    if (applied === null) await this.#makeFromAny()
    const pending = this.#newer.slice(applied ?? 0)
    if (pending.length > 0) await reading(this.#blobs, () => this.#apply(pending))
    this.#applied = this.#newer.length
  }

  async #makeFromAny(): Promise<void> {
    const failure = await this.#failureOf(this.#segments)
    if (failure === undefined) return
    // What the hint led to cannot be read: an older checkpoint, or the commits alone, may give the same version.
    const others = segmentsOf(await listWhole(this.#blobs), this.#blobs, this.#segments[0]?.version)
    if (others.length === 0 || (await this.#failureOf(others)) !== undefined) throw failure
  }

  /** Makes the tables from the first segment that can be read; the first error where none can. */
  async #failureOf(segments: readonly LogSegment[]): Promise<TableError | undefined> {
    let failure: TableError | undefined
    for (const segment of segments) {
      try {
        await reading(this.#blobs, () => this.#make(segment))
        return undefined
      } catch (error) {
        if (!(error instanceof TableError)) throw error
        failure ??= error
      }
    }
    return failure
  }

  async #make(segment: LogSegment): Promise<void> {
    const { checkpoint } = segment
    const parts = checkpoint === null ? [] : (await openCheckpoint(checkpoint, this.#blobs, this.#session)).files
    for (const [table, action] of this.#tables()) {
      await this.#session.run(
        sql`create or replace temp table ${table} (path varchar, dv varchar, ${id(action)} ${raw(ACTION_TYPES[action])})`,
      )
      for (const { rows, shape } of parts.filter((part) => part.shape.has(action))) {
        const actions = sql`select ${checkpointAction(action, shape)} as a from ${rows} where ${id(action)}.path is not null`
        await this.#session.run(sql`insert into ${table} select a.path, ${deletionVectorId(raw('a'))}, a from (${actions})`)
      }
    }
    const files = filesOf(segment)
    if (files.length > 0) await this.#apply(files)
  }

  /** The newest action of each file wins; a file is known by its path as logged, and its deletion vector. */
  async #apply(files: readonly LogFile[]): Promise<void> {
    const paths = await this.#blobs.fetch(files.map(({ path }) => path))
    const newest = id(this.#session.temporaryName('delta_newest'))
    const dv = sql`case when "add" is null then ${deletionVectorId(raw('"remove"'))} else ${deletionVectorId(raw('"add"'))} end`
    await this.#session.run(sql`create temp table ${newest} as
      select coalesce("add".path, "remove".path) as path, ${dv} as dv, "add", "remove"
      from ${commitRows(paths, ['add', 'remove'])}
      where "add".path is not null or "remove".path is not null
      qualify row_number() over (partition by coalesce("add".path, "remove".path), ${dv} order by version desc, "add" is null) = 1`)
    try {
      for (const [table, action] of this.#tables()) {
        await this.#session.run(sql`delete from ${table} as t using ${newest} as n where t.path = n.path and t.dv = n.dv`)
        await this.#session.run(sql`insert into ${table} select path, dv, ${id(action)} from ${newest} where ${id(action)} is not null`)
      }
    } finally {
      await this.#session.run(sql`drop table ${newest}`)
    }
  }

  #tables() {
    return [
      [this.#active, 'add'],
      [this.#tombstones, 'remove'],
    ] as const
  }
}

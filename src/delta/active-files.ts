import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { id, raw, type Sql, sql } from '../engine/sql.ts'
import { reading } from './damage.ts'
import type { LogSegment } from './listing.ts'
import { commitPath } from './log-names.ts'
import { ACTION_TYPES, checkpointAction, checkpointRows, checkpointShape, commitRows, deletionVectorId } from './log-sql.ts'

/**
 * The files of a table as two temporary tables: active ones and tombstones. They are made when first asked for, and
 * brought up to date commit by commit. Never a list in JavaScript: a table may have a million files.
 */
export class ActiveFiles {
  readonly #blobs: Blobs
  readonly #session: Session
  readonly #segment: LogSegment
  readonly #active: Sql
  readonly #tombstones: Sql
  readonly #commits: bigint[]
  /** How many of the commits are in the tables; null while there are no tables. */
  #applied: number | null = null

  constructor(segment: LogSegment, blobs: Blobs, session: Session) {
    this.#blobs = blobs
    this.#session = session
    this.#segment = segment
    this.#active = id(session.temporaryName('delta_active'))
    this.#tombstones = id(session.temporaryName('delta_tombstones'))
    this.#commits = [...segment.commits]
  }

  add(versions: readonly bigint[]): void {
    this.#commits.push(...versions)
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
    await reading(this.#blobs, async () => {
      if (applied === null) await this.#make()
      const pending = this.#commits.slice(applied ?? 0)
      if (pending.length > 0) await this.#apply(pending)
    })
    this.#applied = this.#commits.length
  }

  async #make(): Promise<void> {
    const { checkpoint } = this.#segment
    const paths = checkpoint?.paths.map((path) => this.#blobs.localPath(path)) ?? []
    for (const [table, action] of [
      [this.#active, 'add'],
      [this.#tombstones, 'remove'],
    ] as const) {
      await this.#session.run(
        sql`create or replace temp table ${table} (path varchar, dv varchar, ${id(action)} ${raw(ACTION_TYPES[action])})`,
      )
      if (paths.length === 0) continue
      const shape = await checkpointShape(paths, this.#session)
      if (!shape.has(action)) continue
      const rows = sql`select ${checkpointAction(action, shape)} as a from ${checkpointRows(paths)} where ${id(action)}.path is not null`
      await this.#session.run(sql`insert into ${table} select a.path, ${deletionVectorId(raw('a'))}, a from (${rows})`)
    }
  }

  /** The newest action of each file wins; a file is known by its path as logged, and its deletion vector. */
  async #apply(versions: readonly bigint[]): Promise<void> {
    const paths = versions.map((version) => this.#blobs.localPath(commitPath(version)))
    const newest = id(this.#session.temporaryName('delta_newest'))
    const dv = sql`case when "add" is null then ${deletionVectorId(raw('"remove"'))} else ${deletionVectorId(raw('"add"'))} end`
    await this.#session.run(sql`create temp table ${newest} as
      select coalesce("add".path, "remove".path) as path, ${dv} as dv, "add", "remove"
      from ${commitRows(paths, ['add', 'remove'])}
      where "add".path is not null or "remove".path is not null
      qualify row_number() over (partition by coalesce("add".path, "remove".path), ${dv} order by version desc, "add" is null) = 1`)
    try {
      for (const [table, action] of [
        [this.#active, 'add'],
        [this.#tombstones, 'remove'],
      ] as const) {
        await this.#session.run(sql`delete from ${table} as t using ${newest} as n where t.path = n.path and t.dv = n.dv`)
        await this.#session.run(sql`insert into ${table} select path, dv, ${id(action)} from ${newest} where ${id(action)} is not null`)
      }
    } finally {
      await this.#session.run(sql`drop table ${newest}`)
    }
  }
}

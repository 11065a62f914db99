import { reading } from '../delta/damage.ts'
import { textOf } from '../delta/decode.ts'
import { fileOfUuid } from '../delta/deletion-vectors/descriptor.ts'
import { jsonText } from '../delta/json.ts'
import { listWhole } from '../delta/listing.ts'
import { commitPath } from '../delta/log-names.ts'
import type { TableLog } from '../delta/table-log.ts'
import { id, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { relativePath } from './data-paths.ts'
import { readMoves } from './moves.ts'
import { readRewriteNotes } from './rewrite-notes.ts'

/** Commits that are read in one statement. */
const COMMITS = 500
/** Deletion vectors of which the log's words are held at a time. */
const VECTORS = 4096

const VECTOR = 'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR)'

/**
 * The files that vacuum leaves alone: those of the current version and of every version since the cut-off, their deletion
 * vectors and change files, and what a writer of ours has moved to its place before its commit.
 */
export class Protected {
  /** Relation (path), relative to the table's folder. */
  readonly table: Sql
  readonly #log: TableLog
  readonly #cutoffMs: number
  /** (text) of vectors: their files are found in JavaScript, page by page. */
  readonly #vectors: Sql

  constructor(log: TableLog, cutoffMs: number) {
    this.#log = log
    this.#cutoffMs = cutoffMs
    this.table = id(log.session.temporaryName('vacuum_protected'))
    this.#vectors = id(log.session.temporaryName('vacuum_vectors'))
  }

  /** By the log as it was read last. */
  async fill(): Promise<void> {
    const { session, snapshot, blobs } = this.#log
    if (snapshot === undefined) throw new BugError(`${this.#log.name} was to be vacuumed before it exists`)
    await session.run(sql`create temp table ${this.table} (path varchar)`)
    await this.#add(sql`select path, "add"."deletionVector" as vector from ${await snapshot.files()}`)
    const cutoff = raw(String(Math.trunc(this.#cutoffMs)))
    await this.#add(sql`select path, "remove"."deletionVector" as vector from ${await snapshot.tombstones()}
      where coalesce("remove"."deletionTimestamp", ${cutoff}) >= ${cutoff}`)
    // Tombstones may have been dropped by a checkpoint of a shorter memory, and change files have none.
    const { commits } = await listWhole(blobs)
    await this.addCommits(commits.filter(({ modifiedMs }) => modifiedMs >= this.#cutoffMs).map(({ version }) => version))
    for (const { added } of await readMoves(blobs)) await this.#addPaths(added)
    for (const { added } of await readRewriteNotes(blobs)) await this.#addPaths(added)
  }

  /** Everything that some commits name. */
  async addCommits(versions: readonly bigint[]): Promise<void> {
    const { blobs } = this.#log
    for (let index = 0; index < versions.length; index += COMMITS) {
      const paths = await blobs.fetch(versions.slice(index, index + COMMITS).map(commitPath))
      const file = literal(`STRUCT(path VARCHAR, "deletionVector" ${VECTOR})`)
      const rows = sql`read_json(${literalList(paths)}, format = 'newline_delimited', compression = 'uncompressed',
        columns = {'add': ${file}, 'remove': ${file}, 'cdc': 'STRUCT(path VARCHAR)'})`
      await reading(blobs, () =>
        this.#add(sql`select coalesce("add".path, "remove".path, cdc.path) as path,
          case when "add" is null then "remove"."deletionVector" else "add"."deletionVector" end as vector from ${rows}`),
      )
    }
  }

  async close(): Promise<void> {
    for (const table of [this.table, this.#vectors]) await this.#log.session.run(sql`drop table if exists ${table}`)
  }

  /** Files of a query (path as logged, vector). */
  async #add(files: Sql): Promise<void> {
    const { session, blobs } = this.#log
    const found = id(session.temporaryName('vacuum_found'))
    await session.run(
      sql`create temp table ${found} as select path, vector."storageType" as kind, vector."pathOrInlineDv" as text from (${files}) where path is not null`,
    )
    // Some writers log the raw path: then an escape in it is none.
    await session.run(
      sql`insert into ${this.table} select distinct ${relativePath(sql`path`, blobs)} from ${found} union select path from ${found}`,
    )
    await session.run(sql`insert into ${this.table} select distinct ${relativePath(sql`text`, blobs)} from ${found} where kind = 'p'`)
    if (!blobs.isLocal) await this.#addWhole(found)
    await session.run(sql`create or replace temp table ${this.#vectors} as select distinct text from ${found} where kind = 'u'`)
    await session.run(sql`drop table ${found}`)
    for (let last = ''; ; ) {
      const rows = await session.rows(sql`select text from ${this.#vectors} where text > ${last} order by text limit ${VECTORS}`)
      const texts = rows.map((row) => textOf(row['text']) ?? '')
      if (texts.length === 0) return
      await this.#addPaths(texts.flatMap((text) => fileOfUuid(text) ?? []))
      last = texts.at(-1) ?? ''
    }
  }

  /** A store has several names: what lies below the table's path under any of them may be one of its files. */
  async #addWhole(found: Sql): Promise<void> {
    const { session, blobs } = this.#log
    const folder = literal(`${blobs.root.replace(/^[^:]*:\/\/[^/]*/, '')}/`)
    const whole = sql`(select url_decode(unnest([path, case when kind = 'p' then text end])) as p from ${found})`
    await session.run(
      sql`insert into ${this.table} select distinct substr(p, strpos(p, ${folder}) + length(${folder})) from ${whole}
        where regexp_matches(p, '^[A-Za-z][A-Za-z0-9+.-]*:/') and strpos(p, ${folder}) > 0`,
    )
  }

  async #addPaths(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return
    await this.#log.session.run(sql`insert into ${this.table} select unnest(${literal(jsonText([...paths]))}::json::varchar[])`)
  }
}

import type { Session } from '../../src/engine/engine.ts'
import { id, inlined, join, literal, raw, type Sql, sql } from '../../src/engine/sql.ts'
import { AUDIT_COLUMNS, type Column, SEQUENCE_COLUMN } from '../../src/model/schema.ts'
import type { TableConfig } from '../../src/model/table.ts'
import type { LoadPlan, Strategy } from '../../src/strategies/strategy.ts'
import type { Delivered } from './model.ts'

export interface Outcome {
  readonly counts: Readonly<Record<string, number>>
  readonly added: number
  readonly removed: number
  readonly changes: Readonly<Record<string, number>>
  readonly ties: readonly Readonly<Record<string, unknown>>[]
}

const AUDIT = [SEQUENCE_COLUMN, ...AUDIT_COLUMNS]

/** A table of the engine's memory that plans are carried out on, with its observations: what a store does, without files. */
export class PlanTable {
  readonly #session: Session
  readonly #strategy: Strategy
  readonly #config: TableConfig
  readonly #sequences: number
  readonly #type: string
  #batches = 0

  constructor(session: Session, strategy: Strategy, config: TableConfig, type = 'BIGINT') {
    this.#session = session
    this.#strategy = strategy
    this.#config = config
    this.#sequences = config.sequenceBy.length
    this.#type = type
  }

  get columns(): readonly Column[] {
    const sequences = Array.from({ length: this.#sequences }, (_, index) => ({
      name: `s${index}`,
      type: index === 0 ? this.#type : 'BIGINT',
    }))
    const data = [{ name: 'id', type: 'BIGINT' }, ...sequences, { name: 'a', type: 'VARCHAR' }, { name: 'u', type: 'VARCHAR' }]
    return [...data, ...(this.#strategy.keyed?.ownColumns?.(this.#config, data) ?? []), ...AUDIT]
  }

  /** `files`: those without rows too, where the batch has any. */
  async load(rows: readonly Delivered[], files: readonly Delivered['file'][] = rows.map(({ file }) => file)): Promise<Outcome> {
    this.#batches += 1
    const listed = [...new Map(files.map((file) => [file.path, file])).values()].toSorted(compareFiles)
    const paths = listed.map(({ path }) => path)
    const places = listed.map(
      ({ path, modified }, index) =>
        sql`(${literal(path)}, ${raw(String(index))}, ${literal(`${stampOf(modified)} ${path}`)}, to_timestamp(${raw(String(modified))}))`,
    )
    await this.#session.run(
      inlined(sql`create or replace temp table files as select * from (values ${join(places)}) as t(path, ordinal, sequence, modified)`),
    )
    const template: Delivered = {
      key: 0,
      sequence: Array.from({ length: this.#sequences }, () => 0),
      tracked: null,
      untracked: null,
      deleted: false,
      file: { modified: 0, path: '' },
      row: 0,
    }
    const values = [template, ...rows.toSorted(byFile)].map((row, index) => this.#record(row, index, paths))
    const names = ['id', ...this.#sequenceNames(), 'a', 'u', '__deleted', '_sequence', '__path', '__ordinal', '__row', '__sequence'].map(id)
    await this.#session.run(
      inlined(sql`create or replace temp table drawn as select * from (values ${join(values)}) as t(${join(names)}) where __row > 0`),
    )
    return this.loadQuery(raw('select * from drawn'))
  }

  /** A batch given as a query of the data columns, `__deleted`, `_sequence`, `__path`, `__ordinal`, `__row` and `__sequence`. */
  async loadQuery(query: Sql): Promise<Outcome> {
    const own = new Set(
      [...(this.#strategy.keyed?.ownColumns?.(this.#config, this.columns) ?? []), ...AUDIT_COLUMNS].map(({ name }) => name),
    )
    const cells = this.columns.map(({ name, type }) => {
      if (name === '_source_file') return sql`__path as ${id(name)}`
      return own.has(name) ? sql`null::${raw(type)} as ${id(name)}` : sql`${id(name)}::${raw(type)} as ${id(name)}`
    })
    const rest = raw('__deleted, __path, __ordinal, __row, __sequence')
    await this.#session.run(inlined(sql`create or replace temp table records as select ${join(cells)}, ${rest} from (${query})`))
    const isFirst = !(await this.#has('held'))
    const plan = this.#strategy.plan({
      table: this.#config,
      records: raw('records'),
      current: isFirst ? null : raw(`(select *, 'f' as __file, rowid as __position from held)`),
      files: raw('files'),
      observations: (await this.#has('seen')) ? raw('(select * from seen)') : null,
      partitionSequences: null,
      columns: this.columns,
      auditColumns: AUDIT.map(({ name }) => name),
    })
    return await this.#carryOut(plan, isFirst)
  }

  async rows(columns: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.#has('held')) ? this.#session.rows(sql`select ${raw(columns)} from held order by all`) : []
  }

  async clear(): Promise<void> {
    for (const table of ['held', 'seen']) await this.#session.run(raw(`drop table if exists ${table}`))
  }

  async #carryOut(plan: LoadPlan, isFirst: boolean): Promise<Outcome> {
    for (const { name, query } of plan.steps ?? [])
      await this.#session.run(inlined(sql`create or replace temp table ${id(name)} as ${query}`))
    const counts = await this.#counts(plan.counts ?? raw('select 1'))
    const ties = plan.ties === undefined ? [] : await this.#session.rows(sql`select key, chosen from (${plan.ties}) order by all`)
    const changes = plan.changes === undefined ? {} : await this.#changes(plan.changes)
    await this.#session.run(inlined(sql`create or replace temp table added as select * exclude (__path) from (${plan.add})`))
    const gone =
      plan.remove.kind === 'positions' ? plan.remove.positions : raw('select null::varchar as file, null::bigint as "row" where false')
    await this.#session.run(inlined(sql`create or replace temp table gone as ${gone}`))
    const observe = plan.observe ?? raw('select 1 where false')
    const keep = (await this.#has('seen')) ? sql`insert into seen by name ${observe}` : sql`create temp table seen as ${observe}`
    await this.#session.run(inlined(keep))
    if (isFirst) await this.#session.run(raw('create temp table held as select * from added where false'))
    const removed = await this.#count('select count(distinct "row") as n from gone')
    const listed = await this.#count('select count(*) as n from gone')
    if (removed !== listed) throw new Error('the plan removes a row twice')
    await this.#session.run(raw('delete from held where rowid in (select "row" from gone)'))
    await this.#session.run(raw('insert into held by name select * from added'))
    return { counts, added: await this.#count('select count(*) as n from added'), removed, changes, ties }
  }

  async #counts(query: Sql): Promise<Readonly<Record<string, number>>> {
    const [row] = await this.#session.rows(query)
    return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]))
  }

  async #changes(query: Sql): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#session.rows(sql`select _change_type as kind, count(*) as n from (${query}) group by 1`)
    return Object.fromEntries(rows.map(({ kind, n }) => [String(kind), Number(n)]))
  }

  async #count(query: string): Promise<number> {
    const [row] = await this.#session.rows(raw(query))
    return Number(row?.['n'])
  }

  async #has(table: string): Promise<boolean> {
    const rows = await this.#session.rows(sql`select 1 as one from duckdb_tables() where table_name = ${table}`)
    return rows.length > 0
  }

  #sequenceNames(): readonly string[] {
    return Array.from({ length: this.#sequences }, (_, index) => `s${index}`)
  }

  #record({ key, sequence, tracked, untracked, deleted, file, row }: Delivered, index: number, paths: readonly string[]): Sql {
    const text = (value: string | null) => (value === null ? raw('null::varchar') : literal(value))
    const stamp = stampOf(file.modified)
    const place = `${stamp} ${file.path} ${String(row).padStart(12, '0')}`
    const first = (value: number) => raw(this.#type === 'DATE' ? `(date '1970-01-01' + ${value})` : `${value}::bigint`)
    const order = sequence.map((value, index) => (index === 0 ? first(value) : raw(`${value}::bigint`)))
    const cells = [
      raw(`${key}::bigint`),
      ...order,
      text(tracked),
      text(untracked),
      raw(String(deleted)),
      literal(place),
      literal(file.path),
    ]
    return sql`(${join([...cells, raw(`${paths.indexOf(file.path)}`), raw(`${index}::bigint`), literal(`${stamp} ${file.path}`)])})`
  }
}

function stampOf(modified: number): string {
  return (BigInt(modified) * 1_000_000_000n).toString().padStart(20, '0')
}

function byFile(a: Delivered, b: Delivered): number {
  return compareFiles(a.file, b.file) || a.row - b.row
}

function compareFiles(a: Delivered['file'], b: Delivered['file']): number {
  if (a.modified !== b.modified) return a.modified - b.modified
  return a.path === b.path ? 0 : a.path < b.path ? -1 : 1
}

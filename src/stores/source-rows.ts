import { CHANGE_TYPE } from '../delta/change-data.ts'
import type { ColumnRead } from '../delta/data-layout.ts'
import { integerOf } from '../delta/decode.ts'
import { partitionValue } from '../delta/partition.ts'
import { partOfQueries } from '../delta/query-parts.ts'
import type { LogState } from '../delta/snapshot.ts'
import { globSafe, id, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { partitionColumnsOf } from './current.ts'
import { type FilesIo, pathsVariable } from './data-files.ts'
import { groupsOf } from './file-layouts.ts'
import { CHANGE_FIELD } from './staging.ts'

/** Commits whose files were found. */
interface Located {
  readonly versions: readonly bigint[]
  /** When each was made, in milliseconds since the epoch. */
  readonly times: ReadonlyMap<bigint, number>
  /** What they did to files, as `locatedEvents` gives it, and the rows that deletion vectors name. */
  readonly events: Sql
  readonly deleted: Sql | null
  readonly state: LogState
  /** Whether the rows tell what happened to them. */
  readonly withChanges: boolean
  readonly isOrdered: boolean
}

/** The rows of some commits; of any part of them, too, so that one that is damaged can be left out. */
export interface CommitRows {
  rows(units: readonly { readonly version: bigint; readonly path: string }[]): Sql
}

/** Files of one layout, listed by commit: variables of lists of lists, of which a query takes those of its commits. */
interface Layout {
  readonly reads: readonly ColumnRead[]
  /** Whether the files say themselves what happened to their rows. */
  readonly isFeed: boolean
  /** Paths for the reader. */
  readonly paths: string
  /** The events that the paths stand for, in the same order. */
  readonly numbers: string
  /** Commits that have files of the layout. */
  readonly ordinals: ReadonlySet<number>
}

/** Prepares the rows: events get numbers, files are grouped by layout. */
export async function commitRowsOf(located: Located, io: FilesIo): Promise<CommitRows> {
  const { versions, times, state } = located
  const ordinals = new Map(versions.map((version, index) => [version, index + 1]))
  const events = await numberedEvents(located, io)
  const [sized] = await io.session.rows(sql`select coalesce(sum(size), 0)::bigint as bytes from ${events}`)
  // A row for each byte: too many rather than too few.
  const estimate = (integerOf(sized?.['bytes']) ?? 0n) + 1n
  const layouts = [
    ...(await layoutsOf(sql`${events} where kind <> 'cdc'`, state, { isFeed: false, units: versions.length }, io)),
    ...(await layoutsOf(
      sql`${events} where kind = 'cdc'`,
      { ...state, fields: [...state.fields, CHANGE_FIELD] },
      { isFeed: true, units: versions.length },
      io,
    )),
  ]
  return {
    rows: (units) => {
      const asked = units.map(({ version, path }) => ({
        ordinal: ordinals.get(version) ?? 0,
        path,
        version,
        atMs: Math.trunc(times.get(version) ?? 0),
      }))
      const chosen = asked.map(({ ordinal }) => ordinal)
      const parts = layouts
        .filter((layout) => chosen.some((ordinal) => layout.ordinals.has(ordinal)))
        .map((layout) => layoutRows(layout, chosen, { ...located, events, estimate }))
      const told = sql`(select unnest(${numbers(chosen)}) as u, unnest(${literalList(units.map(({ path }) => path))}) as __path,
        unnest(range(${units.length})) as __index, unnest(${numbers(asked.map(({ version }) => version))}) as version,
        unnest(${numbers(asked.map(({ atMs }) => atMs))}) as ms)`
      const columns = state.fields.map(({ name }, index) => sql`x.${id(`v${index}`)} as ${id(name)}`)
      const changes = located.withChanges
        ? [sql`x.change as ${id(CHANGE_TYPE)}`, sql`c.version as _commit_version`, sql`make_timestamptz(c.ms * 1000) as _commit_timestamp`]
        : []
      const order = located.isOrdered ? sql` order by c.__index, x.rank, x.n, x.place` : sql``
      return sql`select ${join([...columns, ...changes])}, c.__path, c.__index from (${join(parts, ' union all ')}) as x join ${told} as c on c.u = x.u${order}`
    },
  }
}

function numbers(values: readonly (number | bigint)[]): Sql {
  return raw(`[${values.join(', ')}]::bigint[]`)
}

async function numberedEvents({ events, versions }: Located, io: FilesIo): Promise<Sql> {
  const name = id(partOfQueries(io, 'source_files', 'table'))
  const units = sql`(select unnest(${numbers(versions)}) as version, unnest(range(1, ${versions.length + 1})) as u)`
  await io.session.run(sql`create temp table ${name} as
    select row_number() over (order by e.version, e.kind, e.path) as n, u.u, e.kind, e."values", e.size, e.without, e.within, e.file
    from ${events} as e join ${units} as u using (version)`)
  return name
}

async function layoutsOf(
  events: Sql,
  state: LogState,
  { isFeed, units }: { readonly isFeed: boolean; readonly units: number },
  io: FilesIo,
): Promise<readonly Layout[]> {
  const files = sql`(select distinct file from ${events})`
  const all = await pathsVariable(sql`select file from ${files}`, io)
  if (all === undefined) return []
  const layouts: Layout[] = []
  for (const { variable, reads } of await groupsOf(sql`select file from ${files}`, all, state, io)) {
    const paths = partOfQueries(io, 'source_paths', 'variable')
    const numbered = partOfQueries(io, 'source_numbers', 'variable')
    const own = sql`(select e.* from (select *, ${globSafe(sql`file`)} as safe from ${events}) as e
      semi join (select unnest(getvariable(${literal(variable)})) as safe) as v using (safe))`
    const listed = (column: Sql, type: Sql) => sql`(select list(items order by u) from (
      select g.u, coalesce(list(${column} order by e.n) filter (where e.n is not null), []::${type}[]) as items
      from (select unnest(range(1, ${units + 1})) as u) as g left join ${own} as e using (u) group by g.u))`
    await io.session.run(sql`set variable ${id(paths)} = ${listed(sql`e.safe`, sql`varchar`)}`)
    await io.session.run(sql`set variable ${id(numbered)} = ${listed(sql`e.n`, sql`bigint`)}`)
    const rows = await io.session.rows(sql`select distinct u::bigint as u from ${own}`)
    layouts.push({ reads, isFeed, paths, numbers: numbered, ordinals: new Set(rows.map((row) => Number(integerOf(row['u'])))) })
  }
  return layouts
}

function layoutRows(
  { reads, isFeed, paths, numbers: numbered }: Layout,
  ordinals: readonly number[],
  { state, events, deleted, estimate }: Located & { readonly estimate: bigint },
): Sql {
  const partitions = new Map(partitionColumnsOf(state).map((column) => [column.name, partitionValue(column, sql`e."values"`)]))
  const chosen = (variable: string) => sql`flatten(list_select(getvariable(${literal(variable)}), ${numbers(ordinals)}))`
  const sources = reads.flatMap(({ source }, index) =>
    source === null
      ? []
      : [sql`${literal(source.name)}: {name: ${literal(`c${index}`)}, type: ${literal(source.type)}, default_value: null}`],
  )
  // The reader takes no empty schema.
  const schema = sources.length > 0 ? sources : [sql`'': {name: 'none', type: 'BOOLEAN', default_value: null}`]
  const values = reads.map((read, index) => read.value(sql`r.${id(`c${index}`)}`))
  const data = new Map(state.fields.filter(({ name }) => !partitions.has(name)).map(({ name }, index) => [name, values[index]]))
  const columns = state.fields.map(({ name }, index) => sql`${data.get(name) ?? partitions.get(name) ?? raw('null')} as ${id(`v${index}`)}`)
  const change = isFeed ? (values.at(-1) ?? raw('null')) : sql`e.kind`
  const isIn = (label: Sql) =>
    deleted === null ? raw('false') : sql`exists (select 1 from ${deleted} as d where d.path = ${label} and d."row" = r.file_row_number)`
  return sql`select ${join(columns)}, ${change} as change, case when ${change} in ('delete', 'update_preimage') then 0 else 1 end as rank,
      e.n, e.u, r.file_row_number as place
    from read_parquet(${chosen(paths)}, hive_partitioning = false, explicit_cardinality = ${raw(String(estimate))}, schema = map {${join(schema)}}) as r
      join (select unnest(l) as n, generate_subscripts(l, 1) - 1 as number from (select ${chosen(numbered)} as l)) as k on k.number = r.file_index
      join ${events} as e on e.n = k.n
    where (e.without is null or not ${isIn(raw('e.without'))}) and (e.within is null or ${isIn(raw('e.within'))})`
}

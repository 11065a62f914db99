import type { Session } from '../engine/engine.ts'
import { id, inlined, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { RowDifference, SampleChange, SampleRow, Samples } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { KeyedTraits, LoadPlan } from '../strategies/strategy.ts'
import type { LoadContext } from './context.ts'
import { hasKeys } from './plan.ts'
import type { LoadJob } from './protocol.ts'
import type { Shape } from './shape.ts'

/** Rows that are shown of each kind. */
const SHOWN = 5

/** The difference that a plan of rows with keys makes; null for other plans. */
export async function keyedDifference(
  plan: LoadPlan,
  shape: Shape,
  { job, context }: { readonly job: LoadJob; readonly context: LoadContext },
): Promise<RowDifference | null> {
  const { strategy, session } = context
  if (strategy.keyed === undefined || !hasKeys(shape, job.table)) return null
  return differenceOf(plan, shape, { table: job.table, traits: strategy.keyed, session })
}

interface Differing {
  readonly table: TableConfig
  readonly traits: KeyedTraits
  readonly session: Session
}

/**
 * What a plan would change, row by row: counts, and some rows of each kind. It is told by the changes that the plan gives to
 * the change feed, so that it is what the commit does.
 */
async function differenceOf(plan: LoadPlan, shape: Shape, { table, traits, session }: Differing): Promise<RowDifference> {
  const changes = id(session.temporaryName('changes'))
  const columns = join(shape.columns.map(({ name }) => id(name)))
  await session.run(
    inlined(sql`create temp table ${changes} as ${plan.changes ?? sql`select ${columns}, 'insert' as _change_type from (${plan.add})`}`),
  )
  try {
    const shown = shape.columns.map(({ name }) => name).filter((name) => !shape.auditColumns.includes(name))
    const identity = [...table.primaryKeys, ...(traits.versionColumns?.(table) ?? [])]
    return await new Difference({ changes, shown, identity, keys: table.primaryKeys, live: traits.live?.(table) }, session).tell()
  } finally {
    await session.run(sql`drop table if exists ${changes}`)
  }
}

interface Changes {
  readonly changes: Sql
  /** Columns that are of interest. */
  readonly shown: readonly string[]
  /** Columns by which a row before is the same as one after. */
  readonly identity: readonly string[]
  readonly keys: readonly string[]
  /** Of a history: whether a row is a current version. */
  readonly live: Sql | undefined
}

class Difference {
  readonly #of: Changes
  readonly #session: Session

  constructor(of: Changes, session: Session) {
    this.#of = of
    this.#session = session
  }

  async tell(): Promise<RowDifference> {
    const { live } = this.#of
    const isOpened = live ?? raw('false')
    return {
      inserted: await this.#rows(sql`_change_type = 'insert' and not coalesce(${isOpened}, false)`),
      updated: await this.#pairs(live === undefined ? raw('true') : sql`not (b.is_live and not a.is_live)`),
      deleted: await this.#rows(sql`_change_type = 'delete'`),
      closed: live === undefined ? null : await this.#pairs(sql`b.is_live and not a.is_live`),
      opened: live === undefined ? null : await this.#rows(sql`_change_type = 'insert' and ${live}`),
    }
  }

  async #rows(where: Sql): Promise<Samples<SampleRow>> {
    const { changes, shown, identity } = this.#of
    const [counted] = await this.#session.rows(sql`select count(*) as rows from ${changes} where ${where}`)
    const rows = await this.#sample(
      sql`select ${join(shown.map(id))} from ${changes} where ${where} order by ${join(identity.map(id))} limit ${SHOWN}`,
    )
    return { rows: Number(counted?.['rows'] ?? 0), samples: rows.map((values) => record(shown, values)) }
  }

  async #pairs(where: Sql): Promise<Samples<SampleChange>> {
    const { changes, shown, identity, keys, live } = this.#of
    const side = (type: string) =>
      sql`(select *, coalesce(${live ?? raw('true')}, false) as is_live from ${changes} where _change_type = ${type}::varchar)`
    const same = join(
      identity.map((name) => sql`b.${id(name)} is not distinct from a.${id(name)}`),
      ' and ',
    )
    const pairs = sql`${side('update_preimage')} as b join ${side('update_postimage')} as a on ${same} where ${where}`
    const [counted] = await this.#session.rows(sql`select count(*) as rows from ${pairs}`)
    const columns = ['b', 'a'].flatMap((of) => shown.map((name, index) => sql`${id(of)}.${id(name)} as ${id(`${of}${index}`)}`))
    const told = shown.map((name) => sql`b.${id(name)} is distinct from a.${id(name)}`)
    const order = join(identity.map((name) => sql`b.${id(name)}`))
    const rows = await this.#sample(sql`select ${join([...columns, ...told])} from ${pairs} order by ${order} limit ${SHOWN}`)
    return {
      rows: Number(counted?.['rows'] ?? 0),
      samples: rows.map((values) => {
        const before = record(shown, values)
        const after = record(shown, values.slice(shown.length))
        const changed = shown.filter((_, index) => values[2 * shown.length + index] === true)
        return {
          key: record(
            keys,
            keys.map((name) => namedValue(after, name)),
          ),
          changes: Object.fromEntries(changed.map((name) => [name, { before: before[name], after: after[name] }])),
        }
      }),
    }
  }

  /** Values as JSON holds them. */
  async #sample(query: Sql): Promise<readonly (readonly unknown[])[]> {
    const rows: (readonly unknown[])[] = []
    for await (const chunk of this.#session.stream(query)) rows.push(...chunk.rows)
    return rows
  }
}

function record(names: readonly string[], values: readonly unknown[]): SampleRow {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))
}

/** The config may spell a column otherwise than the table. */
function namedValue(row: SampleRow, name: string): unknown {
  return row[Object.keys(row).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name]
}

import type { Session } from '../engine/engine.ts'
import { id, inlined, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { Warning } from '../model/batch.ts'
import type { ExpectationCount } from '../model/expectation.ts'
import type { Column } from '../model/schema.ts'
import type { Expectation, RowAction } from '../model/table.ts'
import type { LoadContext } from './context.ts'
import { type BatchFinding, batchFindings } from './expectations-batch.ts'
import { type BoundExpectations, bindExpectations, type RowRule } from './expectations-bind.ts'
import { breaksText, checkText, listed, rowsText, valueText } from './expectations-text.ts'
import { countsOf, type FileCounts, sumOf } from './file-counts.ts'
import type { KeptRecords, KeptRejects } from './kept-records.ts'
import type { LoadJob } from './protocol.ts'
import { NAMED, placeOf } from './rejects.ts'
import type { Shape } from './shape.ts'
import { ForbiddenRows } from './violators.ts'

/** The rows of a batch without those that its rules leave out; closing it drops what was made for that. */
export interface ExpectedRecords extends AsyncDisposable {
  /** Relation of the rows, as a plan takes them. */
  readonly records: Sql
  /** Rows of each file that were dropped. */
  readonly filtered: FileCounts
  readonly counts: readonly ExpectationCount[]
  readonly warnings: readonly Warning[]
}

interface ExpectWork {
  readonly job: LoadJob
  readonly context: LoadContext
}

/** A row that broke a rule, as a message tells it. */
interface Breach {
  readonly path: string
  /** As `line 3: amount = -5`. */
  readonly text: string
}

/**
 * Checks the rows that were kept by the rules of the table: rows to be quarantined are rejected, rows to be dropped are left out, files that
 * shall fail are thrown as ForbiddenRows. Rules about the batch look at the rows that are left. Undefined where the table has no rules.
 */
export async function expectedRecords(
  kept: KeptRecords | undefined,
  shape: Shape,
  { job, context }: ExpectWork,
): Promise<ExpectedRecords | undefined> {
  if (job.table.expectations.length === 0 || kept?.rejects === undefined) return undefined
  const full = shape.groups.filter(({ group }) => !group.empty)
  const bound = await bindExpectations(job.table, full.length === 0 ? undefined : shape.columns, context.session)
  const made = new Expected({ kept, rejects: kept.rejects }, { ...shape, groups: full }, { job, context, bound })
  try {
    await made.checkRows()
    // Mended rows are no delivery of their own.
    if (shape.groups.length > 0 && context.resubmitted === undefined) await made.checkBatch(shape)
    return made
  } catch (error) {
    await made[Symbol.asyncDispose]()
    throw error
  }
}

/** How a rule ended in a batch, by the files that broke it. */
interface Finding {
  readonly rule: Expectation
  readonly checked: bigint
  readonly files: FileCounts
}

class Expected implements ExpectedRecords {
  records: Sql
  filtered: FileCounts = new Map()
  counts: readonly ExpectationCount[] = []
  warnings: readonly Warning[] = []
  readonly #session: Session
  readonly #kept: KeptRecords
  readonly #rejects: KeptRejects
  readonly #shape: Shape
  readonly #job: LoadJob
  readonly #context: LoadContext
  readonly #bound: BoundExpectations
  /** Rows that broke rules about rows: "row", path, for each rule whether it holds (null where it cannot be computed), and values as text. */
  readonly #broken: Sql
  readonly #left: Sql

  constructor(
    { kept, rejects }: { readonly kept: KeptRecords; readonly rejects: KeptRejects },
    shape: Shape,
    { job, context, bound }: ExpectWork & { readonly bound: BoundExpectations },
  ) {
    this.#session = context.session
    this.#kept = kept
    this.#rejects = rejects
    this.#shape = shape
    this.#job = job
    this.#context = context
    this.#bound = bound
    this.#broken = id(context.session.temporaryName('broken'))
    this.#left = id(context.session.temporaryName('expected'))
    this.records = kept.name
  }

  async checkRows(): Promise<void> {
    const { rows } = this.#bound
    if (rows.length === 0 || this.#shape.groups.length === 0) return
    const live = await this.#liveRows()
    await this.#findBroken()
    const findings = await this.#rowFindings(live)
    await this.#failBroken(findings, live)
    this.#add(findings)
    for (const finding of findings) if (finding.files.size > 0 && finding.rule.onViolation === 'warn') await this.#warnOfRows(finding)
    await this.#takeOut(findings)
  }

  async checkBatch(shape: Shape): Promise<void> {
    const { batch } = this.#bound
    if (batch.length === 0) return
    const found = await batchFindings(batch, {
      records: this.records,
      first: this.#rejects.read,
      isLive: this.#isLive(),
      columns: this.#shape.columns,
      files: shape.groups.flatMap(({ group }) => group.files.map(({ path }) => path)),
      session: this.#session,
      loadedAt: this.#context.loadedAt,
      isReadable: this.#shape.groups.length > 0,
      placeOf: (path, number) => this.#placeOf(path, number),
      named: NAMED,
    })
    const failing = found.filter(({ rule, files }) => rule.onViolation === 'fail' && files.size > 0)
    if (failing.length > 0) throw this.#batchFailure(failing)
    this.#add(found)
    const told = found.filter(({ violated }) => violated > 0n).map((one) => this.#warning(one.rule, one.summary))
    this.warnings = [...this.warnings, ...told]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.run(sql`drop view if exists ${this.#left}`)
    await this.#session.run(sql`drop table if exists ${this.#broken}`)
  }

  /** Rows that mean delete are no rows of the table. */
  #isLive(): Sql {
    return this.#shape.deletes === undefined ? raw('true') : raw('not __deleted')
  }

  /** Rows of each file that are checked. */
  async #liveRows(): Promise<FileCounts> {
    const { read, rows: rejected } = this.#rejects
    // What was kept is counted already; only rows that mean delete must be looked for.
    const counted =
      this.#shape.deletes === undefined
        ? sql`select n.path, n.rows - (select count(*) from ${rejected} as r where r."row" is not null and r.path = n.path) as rows from ${read} as n`
        : sql`select __path as path, count(*) filter (where ${this.#isLive()}) as rows from ${this.#kept.name} group by 1`
    return countsOf(counted, this.#session)
  }

  /** All rules in one scan. */
  async #findBroken(): Promise<void> {
    const { rows } = this.#bound
    const holds = rows.map(({ condition }, index) => sql`try(coalesce(${condition}, true)) as ${holdsOf(index)}`)
    const values = this.#named().map(({ name, type }, index) => sql`${valueText(id(name), type)} as ${id(`__value${index}`)}`)
    const isBroken = join(
      rows.map((_, index) => sql`${holdsOf(index)} is not true`),
      ' or ',
    )
    const checked = sql`select __row, __path, ${join([...holds, ...values])} from ${this.#kept.name} where ${this.#isLive()}`
    // What conditions have in common would be computed once, outside of what is tried.
    await this.#session.run(sql`set disabled_optimizers = 'common_subexpressions'`)
    try {
      await this.#session.run(inlined(sql`create temp table ${this.#broken} as select * from (${checked}) where ${isBroken}`))
    } finally {
      await this.#session.run(sql`reset disabled_optimizers`)
    }
  }

  /** Columns that any of the rules names. */
  #named(): readonly Column[] {
    return [...new Map(this.#bound.rows.flatMap(({ columns }) => columns.map((column) => [column.name, column] as const))).values()]
  }

  async #rowFindings(live: FileCounts): Promise<readonly Finding[]> {
    const { rows } = this.#bound
    const counts = rows.map((_, index) => sql`count(*) filter (where ${holdsOf(index)} is not true) as ${holdsOf(index)}`)
    const found = await this.#session.rows(sql`select __path as path, ${join(counts)} from ${this.#broken} group by __path order by __path`)
    const checked = sumOf(live)
    return rows.map(({ rule }, index) => ({
      rule,
      checked,
      files: new Map(
        found.flatMap((row) => {
          const violated = BigInt(String(row[`__holds${index}`]))
          return violated === 0n ? [] : [[String(row['path']), violated] as const]
        }),
      ),
    }))
  }

  /** Throws the files that have rows for which they fail. */
  async #failBroken(findings: readonly Finding[], live: FileCounts): Promise<void> {
    const failing = findings.filter(({ rule, files }) => rule.onViolation === 'fail' && files.size > 0)
    const paths = new Set(failing.flatMap(({ files }) => [...files.keys()]))
    if (paths.size === 0) return
    const errors: FileError[] = []
    for (const path of paths) {
      const texts: string[] = []
      for (const { rule, files } of failing) {
        const violated = files.get(path)
        if (violated === undefined) continue
        const breaches = (await this.#breaches(rule, path)).map(({ text }) => text)
        texts.push(`${rowsText(violated)} of ${live.get(path) ?? 0n} ${breaksText(violated, rule)}: ${listed(breaches, violated)}`)
      }
      errors.push(failure(path, texts.join('; ')))
    }
    const counts = findings.map(({ rule, files }) => {
      const own = new Map([...files].filter(([path]) => paths.has(path)))
      return countOf({ rule, files: own, checked: [...paths].reduce((sum, path) => sum + (live.get(path) ?? 0n), 0n) })
    })
    throw new ForbiddenRows(errors, counts)
  }

  async #warnOfRows({ rule, files }: Finding): Promise<void> {
    const violated = sumOf(files)
    const breaches = (await this.#breaches(rule)).map(({ path, text }) => `${path} ${text}`)
    const inFiles = files.size === 1 ? '' : ` of ${files.size} files`
    this.warnings = [
      ...this.warnings,
      this.#warning(rule, `${rowsText(violated)}${inFiles} ${breaksText(violated, rule)}: ${listed(breaches, violated)}`),
    ]
  }

  #warning({ name }: Expectation, text: string): Warning {
    return { code: 'ING-ROWS-EXPECTATION', message: `${this.#job.table.name}: expectation ${name}: ${text}` }
  }

  /** The first rows that broke a rule, in the order of their files. */
  async #breaches(rule: Expectation, path?: string): Promise<readonly Breach[]> {
    const index = this.#bound.rows.findIndex((one) => one.rule === rule)
    const among = path === undefined ? sql`` : sql`and b.__path = ${path}`
    const rows = await this.#session.rows(sql`select b.__path as path, b.__row - n.first as number, ${this.#reason(index)} as reason
      from ${this.#broken} as b join ${this.#rejects.read} as n on n.path = b.__path
      where b.${holdsOf(index)} is not true ${among} order by b.__row limit ${NAMED}`)
    const breaches: Breach[] = []
    for (const row of rows) {
      const of = String(row['path'])
      breaches.push({ path: of, text: `${await this.#placeOf(of, BigInt(String(row['number'])))}: ${String(row['reason'])}` })
    }
    return breaches
  }

  /** `amount = -5`, of a row that broke a rule. */
  #reason(index: number): Sql {
    const named = this.#named()
    const columns = this.#bound.rows[index]?.columns ?? []
    const values = columns.map(({ name }) => {
      const place = named.findIndex((one) => one.name === name)
      return sql`${literal(`${name} = `)} || ${id(`__value${place}`)}`
    })
    const told = values.length === 0 ? raw(`'it names no column'`) : join(values, ` || ', ' || `)
    return sql`(${told}) || case when ${holdsOf(index)} is null then ' (it cannot be computed)' else '' end`
  }

  #placeOf(path: string, number: bigint): Promise<string> {
    const { format, formatContext } = this.#context
    return placeOf(path, number, { format, formatContext, groups: this.#shape.groups })
  }

  /** Rows to be quarantined are rejected, and of the others those to be dropped are left out. */
  async #takeOut(findings: readonly Finding[]): Promise<void> {
    const broken = (action: RowAction) => {
      const active = findings.flatMap(({ rule, files }, index) => (rule.onViolation === action && files.size > 0 ? [index] : []))
      return { active, where: join([raw('false'), ...active.map((index) => sql`${holdsOf(index)} is not true`)], ' or ') }
    }
    const quarantined = broken('quarantine')
    if (quarantined.active.length > 0) await this.#reject(quarantined.active, quarantined.where)
    const dropped = broken('drop')
    if (dropped.active.length === 0) return
    const gone = sql`select __row from ${this.#broken} where (${dropped.where}) and not (${quarantined.where})`
    await this.#session.run(sql`create or replace temp view ${this.#left} as select * from ${this.#kept.name} where __row not in (${gone})`)
    this.records = this.#left
    const rows = sql`select __path as path, count(*) as rows from ${this.#broken} where __row in (${gone}) group by 1`
    this.filtered = await countsOf(rows, this.#session)
  }

  async #reject(rules: readonly number[], where: Sql): Promise<void> {
    const firstOf = (value: (rule: RowRule) => Sql) =>
      sql`case ${join(
        rules.flatMap((index) => {
          const rule = this.#bound.rows[index]
          return rule === undefined ? [] : [sql`when ${holdsOf(index)} is not true then ${value(rule)}`]
        }),
        ' ',
      )} end`
    const reasons = rules.map((index) => {
      const text = literal(`${checkText(this.#bound.rows[index]?.rule.check ?? '')} does not hold: `)
      return sql`case when ${holdsOf(index)} is not true then ${text} || ${this.#reason(index)} end`
    })
    const column = ({ columns }: RowRule) => (columns.length === 1 ? literal(columns[0]?.name ?? '') : raw('null::varchar'))
    await this.#rejects.reject(
      inlined(sql`select __row as "row", ${firstOf(column)} as column_name, ${firstOf(({ rule }) => literal(rule.name))} as rule,
        concat_ws('; ', ${join(reasons)}) as reason from ${this.#broken} where ${where}`),
    )
  }

  #batchFailure(failing: readonly BatchFinding[]): ForbiddenRows {
    const texts = new Map<string, string[]>()
    for (const { files, textOf } of failing) for (const path of files.keys()) texts.set(path, [...(texts.get(path) ?? []), textOf(path)])
    const errors = [...texts].map(([path, found]) => failure(path, found.join('; ')))
    return new ForbiddenRows(
      errors,
      failing.map((one) => countOf({ ...one, checked: one.checkedIn(new Set(texts.keys())) })),
    )
  }

  #add(findings: readonly (Finding & { readonly violated?: bigint })[]): void {
    this.counts = [...this.counts, ...findings.map(countOf)]
  }
}

function holdsOf(index: number): Sql {
  return id(`__holds${index}`)
}

function failure(path: string, text: string): FileError {
  return new FileError('ING-FILE-EXPECTATION', path, `${path}: ${text}`, { hint: 'mend the rows or the rule, then `ingest retry FILE`' })
}

function countOf({ rule, checked, files, violated }: Finding & { readonly violated?: bigint }): ExpectationCount {
  return {
    name: rule.name,
    onViolation: rule.onViolation,
    checked,
    violated: violated ?? sumOf(files),
    files: [...files].map(([path, count]) => ({ path, violated: count })),
  }
}

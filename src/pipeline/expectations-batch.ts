import type { Session } from '../engine/engine.ts'
import { id, inlined, join, type Sql, sql } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import type { FreshnessExpectation, RowCountExpectation, UniqueExpectation } from '../model/table.ts'
import type { BatchExpectation } from './expectations-bind.ts'
import { listed, rowsText, valueText } from './expectations-text.ts'
import { countsOf, type FileCounts, sumOf } from './file-counts.ts'

/** Files whose rows are named, of those that fail. */
const FILES = 100

/** How a rule about a batch ended. */
export interface BatchFinding {
  readonly rule: BatchExpectation
  /** Rows, files or batches. */
  readonly checked: bigint
  readonly violated: bigint
  /** Files to blame. */
  readonly files: FileCounts
  /** What is told of the batch. */
  readonly summary: string
  /** How much of `checked` is of some of the files; of a rule that looks at the batch as a whole, all of it. */
  checkedIn(paths: ReadonlySet<string>): bigint
  /** What is told of a file that fails for it. */
  textOf(path: string): string
}

interface BatchRows {
  /** Relation of the rows that are left, with `__path` and `__row`. */
  readonly records: Sql
  /** Relation (path, first) of the `__row` of the first row of each file. */
  readonly first: Sql
  /** Whether a row is one for the table. */
  readonly isLive: Sql
  readonly columns: readonly Column[]
  /** All files of the batch. */
  readonly files: readonly string[]
  readonly session: Session
  /** ISO 8601, UTC. */
  readonly loadedAt: string
  /** False where no file has rows, so that nothing is known of columns. */
  readonly isReadable: boolean
  readonly placeOf: (path: string, number: bigint) => Promise<string>
  /** Rows that a message names. */
  readonly named: number
}

/** Checks the rules about a batch by the rows that are left of it. */
export async function batchFindings(rules: readonly BatchExpectation[], rows: BatchRows): Promise<readonly BatchFinding[]> {
  const findings: BatchFinding[] = []
  const counts = await rowsOfFiles(rows)
  for (const rule of rules) {
    switch (rule.kind) {
      case 'row_count':
        findings.push(rule.per === 'file' ? fileSizes(rule, counts) : batchSize(rule, counts))
        break
      case 'unique':
        findings.push(rows.isReadable ? await doubled(rule, counts, rows) : nothing(rule))
        break
      case 'freshness':
        findings.push(rows.isReadable ? await staleness(rule, counts, rows) : nothing(rule))
    }
  }
  return findings
}

interface FileRows {
  readonly rows: bigint
  /** Those that do not mean delete. */
  readonly live: bigint
}

type RowsOfFiles = ReadonlyMap<string, FileRows>

/** Of every file, those without rows too. */
async function rowsOfFiles({ records, isLive, files, session }: BatchRows): Promise<RowsOfFiles> {
  const counted = await session.rows(
    sql`select __path as path, count(*) as rows, count(*) filter (where ${isLive}) as live from ${records} group by 1`,
  )
  const known = new Map(counted.map(({ path, rows, live }) => [String(path), { rows: BigInt(String(rows)), live: BigInt(String(live)) }]))
  return new Map(files.map((path) => [path, known.get(path) ?? { rows: 0n, live: 0n }]))
}

function sumIn(counts: RowsOfFiles, paths: Iterable<string>, kind: keyof FileRows): bigint {
  return [...paths].reduce((sum, path) => sum + (counts.get(path)?.[kind] ?? 0n), 0n)
}

function nothing(rule: BatchExpectation): BatchFinding {
  return { rule, checked: 0n, violated: 0n, files: new Map(), summary: '', checkedIn: () => 0n, textOf: () => '' }
}

function boundsText({ min, max }: RowCountExpectation): string {
  if (min === null) return `at most ${max} are expected`
  return max === null ? `at least ${min} are expected` : `${min} to ${max} are expected`
}

function isBeyond(rows: bigint, { min, max }: RowCountExpectation): boolean {
  return (min !== null && rows < BigInt(min)) || (max !== null && rows > BigInt(max))
}

function fileSizes(rule: RowCountExpectation, counts: RowsOfFiles): BatchFinding {
  const odd = new Map([...counts].flatMap(([path, { rows }]) => (isBeyond(rows, rule) ? [[path, rows] as const] : [])))
  const texts = [...odd].slice(0, 5).map(([path, rows]) => `${path} has ${rowsText(rows)}`)
  return {
    rule,
    checked: BigInt(counts.size),
    violated: BigInt(odd.size),
    files: new Map([...odd.keys()].map((path) => [path, 1n])),
    summary: `${listed(texts, BigInt(odd.size))}; ${boundsText(rule)}`,
    checkedIn: ({ size }) => BigInt(size),
    textOf: (path) => `it has ${rowsText(odd.get(path) ?? 0n)}, and ${boundsText(rule)} (${rule.name})`,
  }
}

/** All files are to blame. */
function batchSize(rule: RowCountExpectation, counts: RowsOfFiles): BatchFinding {
  const rows = sumIn(counts, counts.keys(), 'rows')
  return ofWhole(rule, `the batch has ${rowsText(rows)}, and ${boundsText(rule)}`, isBeyond(rows, rule) ? [...counts.keys()] : [])
}

/** What is found of the batch as one thing; `blamed` is empty where it is as it should be. */
function ofWhole(rule: BatchExpectation, text: string, blamed: readonly string[]): BatchFinding {
  return {
    rule,
    checked: 1n,
    violated: blamed.length > 0 ? 1n : 0n,
    files: new Map(blamed.map((path) => [path, 1n])),
    summary: text,
    checkedIn: () => 1n,
    textOf: () => `${text} (${rule.name})`,
  }
}

/** Rows whose values another row of the batch has; a null is like no other. All files that hold one are to blame. */
async function doubled(rule: UniqueExpectation, counts: RowsOfFiles, rows: BatchRows): Promise<BatchFinding> {
  const { records, isLive, session } = rows
  const keys = rule.columns.map(id)
  const known = join(
    keys.map((key) => sql`${key} is not null`),
    ' and ',
  )
  const twice = id(session.temporaryName('doubled'))
  await session.run(
    inlined(sql`create temp table ${twice} as select ${join(keys)}, count(*) as __times from ${records}
      where ${isLive} and ${known} group by ${join(keys)} having count(*) > 1`),
  )
  try {
    const same = join(
      keys.map((key) => sql`r.${key} = d.${key}`),
      ' and ',
    )
    const joined = sql`from (select * from ${records} where ${isLive}) as r join ${twice} as d on ${same}`
    const files = await countsOf(sql`select r.__path as path, count(*) as rows ${joined} group by 1 order by 1`, session)
    const violated = sumOf(files)
    const shown = files.size === 0 ? [] : await firstDoubled(rule, joined, rows)
    const texts = (path?: string) => shown.filter((one) => path === undefined || one.path === path)
    const listedOf = (path?: string) =>
      texts(path)
        .slice(0, rows.named)
        .map((one) => (path === undefined ? `${one.path} ${one.text}` : one.text))
    const told = (count: bigint) =>
      `${rowsText(count)} ${count === 1n ? 'has' : 'have'} values of ${rule.columns.join(', ')} that other rows of the batch have`
    return {
      rule,
      checked: sumIn(counts, counts.keys(), 'live'),
      checkedIn: (paths) => sumIn(counts, paths, 'live'),
      violated,
      files,
      summary: `${told(violated)}: ${listed(listedOf(), violated)}`,
      textOf: (path) => `${told(files.get(path) ?? 0n)} (${rule.name}): ${listed(listedOf(path), files.get(path) ?? 0n)}`,
    }
  } finally {
    await session.run(sql`drop table if exists ${twice}`)
  }
}

/** The first rows of each file that another row is the same as, by their keys. */
async function firstDoubled(
  rule: UniqueExpectation,
  joined: Sql,
  { first, columns, session, placeOf, named }: BatchRows,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]))
  const values = rule.columns.map((name) => sql`${name} || ' = ' || ${valueText(sql`r.${id(name)}`, types.get(name.toLowerCase()) ?? '')}`)
  const found = await session.rows(sql`select s.path, s.row - n.first as number, s.told, s.times from (
      select r.__path as path, r.__row as row, ${join(values, ` || ', ' || `)} as told, d.__times as times ${joined}
      qualify row_number() over (partition by r.__path order by r.__row) <= ${named}) as s
    join ${first} as n on n.path = s.path order by s.row limit ${rule.onViolation === 'fail' ? FILES * named : named}`)
  const texts: { path: string; text: string }[] = []
  for (const row of found) {
    const path = String(row['path'])
    const place = await placeOf(path, BigInt(String(row['number'])))
    texts.push({ path, text: `${place}: ${String(row['told'])} (${String(row['times'])} times)` })
  }
  return texts
}

/** All files with rows are to blame: none of them has a newer value. */
async function staleness(rule: FreshnessExpectation, counts: RowsOfFiles, rows: BatchRows): Promise<BatchFinding> {
  const { records, session, loadedAt } = rows
  const full = [...counts].filter(([, { rows: count }]) => count > 0n).map(([path]) => path)
  if (full.length === 0) return nothing(rule)
  const oldest = new Date(Date.parse(loadedAt) - rule.maxAgeMs).toISOString()
  const newest = sql`max(${id(rule.column)})::timestamptz`
  const [row] =
    await session.rows(sql`select coalesce(${newest} < ${oldest}::timestamptz, true) as stale, max(${id(rule.column)})::varchar as newest
    from ${records}`)
  const isStale = row?.['stale'] === true
  const told = row?.['newest'] === null ? `${rule.column} is null in all rows` : `the newest ${rule.column} is ${String(row?.['newest'])}`
  return ofWhole(rule, `${told}, and nothing older than ${oldest} is expected`, isStale ? full : [])
}

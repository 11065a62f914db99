import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIngest, type RunReport } from 'ingestd'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { activeFiles, logActions, Project } from '../support/project.ts'

const MODES = ['evolve', 'widen', 'rescue', 'ignore', 'fail'] as const
const FORMATS = ['csv', 'ndjson', 'parquet'] as const
type Format = (typeof FORMATS)[number]

/** A row of each format; columns of Parquet as SQL. */
interface Content {
  readonly csv?: string
  readonly ndjson: string
  readonly parquet: string
}

const BASE: Content = {
  csv: 'id,n,name\n1,1,a\n',
  ndjson: '{"id": 1, "n": 1, "name": "a", "s": {"a": 1, "t": "x"}}\n',
  parquet: `1::bigint as id, 1::integer as n, 'a' as name, {a: 1::integer, t: 'x'} as s`,
}

interface Change extends Content {
  /** What the row has in the end, by the word of the table. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Under which name what does not fit is rescued, and its text. */
  readonly rescued?: readonly [string, string]
}

const S = { a: 1, t: 'x' }
const nested = (a: string, more = '') => ({
  ndjson: `{"id": 2, "n": 7, "name": "b", "s": {"a": ${a}, "t": "x"${more}}}\n`,
})

/** The changes of docs/schema.md, each as a file. */
const CHANGES: Readonly<Record<string, Change>> = {
  'new column': {
    csv: 'id,n,name,extra\n2,7,b,"x ""y"""\n',
    ndjson: '{"id": 2, "n": 7, "name": "b", "s": {"a": 1, "t": "x"}, "extra": "x \\"y\\""}\n',
    parquet: `2::bigint as id, 7::integer as n, 'b' as name, {a: 1::integer, t: 'x'} as s, 'x "y"' as extra`,
    rows: { added: { name: 'b', extra: 'x "y"' }, rescued: { n: 7, name: 'b' }, 'left out': { n: 7, name: 'b' } },
    rescued: ['extra', 'x "y"'],
  },
  'missing column': {
    csv: 'id,n\n2,7\n',
    ndjson: '{"id": 2, "n": 7, "s": {"a": 1, "t": "x"}}\n',
    parquet: `2::bigint as id, 7::integer as n, {a: 1::integer, t: 'x'} as s`,
    rows: { null: { n: 7, name: null } },
  },
  'reordered columns': {
    csv: 'name,id,n\nb,2,7\n',
    ndjson: '{"s": {"t": "x", "a": 1}, "name": "b", "id": 2, "n": 7}\n',
    parquet: `{t: 'x', a: 1::integer} as s, 'b' as name, 2::bigint as id, 7::integer as n`,
    rows: { loads: { n: 7, name: 'b' } },
  },
  'wider type': {
    csv: 'id,n,name\n2,5000000000,b\n',
    ndjson: '{"id": 2, "n": 5000000000, "name": "b", "s": {"a": 1, "t": "x"}}\n',
    parquet: `2::bigint as id, 5000000000::bigint as n, 'b' as name, {a: 1::integer, t: 'x'} as s`,
    rows: { widened: { n: '5000000000', name: 'b' }, rescued: { n: null, name: 'b' } },
    rescued: ['n', '5000000000'],
  },
  'narrower type': {
    csv: 'id,n,name\n2,7,b\n',
    ndjson: '{"id": 2, "n": 7, "name": "b", "s": {"a": 1, "t": "x"}}\n',
    parquet: `2::integer as id, 7::smallint as n, 'b' as name, {a: 1::tinyint, t: 'x'} as s`,
    rows: { loads: { n: 7, name: 'b' } },
  },
  'incompatible value': {
    csv: 'id,n,name\n2, 12 EUR,b\n',
    ndjson: '{"id": 2, "n": " 12 EUR", "name": "b", "s": {"a": 1, "t": "x"}}\n',
    parquet: `2::bigint as id, ' 12 EUR' as n, 'b' as name, {a: 1::integer, t: 'x'} as s`,
    rows: { rescued: { n: null, name: 'b' } },
    rescued: ['n', ' 12 EUR'],
  },
  'other case': {
    csv: 'ID,N,Name\n2,7,b\n',
    ndjson: '{"ID": 2, "N": 7, "Name": "b", "S": {"a": 1, "t": "x"}}\n',
    parquet: `2::bigint as ID, 7::integer as N, 'b' as Name, {A: 1::integer, T: 'x'} as S`,
    rows: { loads: { n: 7, name: 'b' } },
  },
  'renamed column': {
    csv: 'id,n,full_name\n2,7,b\n',
    ndjson: '{"id": 2, "n": 7, "full_name": "b", "s": {"a": 1, "t": "x"}}\n',
    parquet: `2::bigint as id, 7::integer as n, 'b' as full_name, {a: 1::integer, t: 'x'} as s`,
    rows: { added: { name: null, full_name: 'b' }, rescued: { name: null }, 'left out': { name: null } },
    rescued: ['full_name', 'b'],
  },
  'new nested field': {
    ...nested('1', ', "b": 2'),
    parquet: `2::bigint as id, 7::integer as n, 'b' as name, {a: 1::integer, t: 'x', b: 2::bigint} as s`,
    rows: { added: { s: { ...S, b: '2' } }, rescued: { s: S }, 'left out': { s: S } },
    rescued: ['s', '{"a":1,"t":"x","b":2}'],
  },
  'missing nested field': {
    ndjson: '{"id": 2, "n": 7, "name": "b", "s": {"a": 1}}\n',
    parquet: `2::bigint as id, 7::integer as n, 'b' as name, {a: 1::integer} as s`,
    rows: { null: { s: { a: 1, t: null } } },
  },
  'wider nested type': {
    ...nested('5000000000'),
    parquet: `2::bigint as id, 7::integer as n, 'b' as name, {a: 5000000000::bigint, t: 'x'} as s`,
    rows: { widened: { s: { a: '5000000000', t: 'x' } }, rescued: { s: { a: null, t: 'x' } } },
    rescued: ['s', '{"a":5000000000,"t":"x"}'],
  },
  'incompatible nested value': {
    ...nested('"z"'),
    parquet: `2::bigint as id, 7::integer as n, 'b' as name, {a: 'z', t: 'x'} as s`,
    rows: { rescued: { s: { a: null, t: 'x' } } },
    rescued: ['s', '{"a":"z","t":"x"}'],
  },
}

const CASES = MODES.flatMap((mode) =>
  FORMATS.flatMap((format) =>
    Object.entries(CHANGES).flatMap(([change, content]) => (content[format] === undefined ? [] : [{ mode, format, change, content }])),
  ),
)
type Case = (typeof CASES)[number]

const DOCUMENTED = documented()

/** The cells of the table in docs/schema.md, by change and mode. */
function documented(): ReadonlyMap<string, string> {
  const lines = readFileSync(join(import.meta.dirname, '../../docs/schema.md'), 'utf8').split('\n')
  const from = lines.indexOf(`| change | ${MODES.join(' | ')} |`)
  const cells = new Map<string, string>()
  for (const line of lines.slice(from + 2, lines.indexOf('', from))) {
    const [change = '', ...results] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    for (const [index, mode] of MODES.entries()) cells.set(`${change} ${mode}`, results[index] ?? '')
  }
  return cells
}

function tableName({ format, change }: Case): string {
  return `${change.replaceAll(' ', '_')}_${format}`
}

function landed(one: Case, file: string): string {
  return `landing/${one.mode}/${tableName(one)}/${file}.${one.format}`
}

async function write(made: Project, path: string, format: Format, content: string): Promise<void> {
  if (format !== 'parquet') made.write(path, content)
  else {
    made.write(path, '')
    await query(`copy (select ${content}) to '${made.path(path)}' (format parquet)`)
  }
}

async function loaded(made: Project): Promise<RunReport> {
  const tables = CASES.map((one) => ({
    table_name: tableName(one),
    database_name: one.mode,
    source_path_pattern: `${one.mode}/${tableName(one)}/*.${one.format}`,
    columns:
      one.format === 'parquet'
        ? {}
        : { id: 'BIGINT', n: 'INTEGER', name: 'VARCHAR', ...(one.format === 'ndjson' ? { s: 'STRUCT(a INTEGER, t VARCHAR)' } : {}) },
    schema_evolution: { mode: one.mode },
    watch: { settle_seconds: 0 },
  }))
  const paths = { raw_data_path: made.path('landing'), processed_data_path: made.path('tables'), checkpoint_path: made.path('state') }
  await using ingest = await createIngest({ config: { ...paths, max_parallel_jobs: 2, tables } })
  return await ingest.run()
}

/** The table's last schema: name or path → type. */
function schemaOf(table: string): ReadonlyMap<string, string> {
  const texts = logActions(table).flatMap(({ action }) => (action['metaData'] ? [String(action['metaData']['schemaString'])] : []))
  const types = new Map<string, string>()
  const note = (fields: readonly { name: string; type: unknown }[], path: string) => {
    for (const { name, type } of fields) {
      const isStruct = typeof type === 'object' && type !== null && 'fields' in type
      if (isStruct) note(type.fields as never, `${path}${name}.`)
      else types.set(path + name, JSON.stringify(type))
    }
  }
  note((JSON.parse(texts.at(-1) ?? '') as { fields: never }).fields, '')
  return types
}

interface Seen {
  readonly word: string
  readonly row: Readonly<Record<string, unknown>>
}

let made: Project
let report: RunReport
const before = new Map<Case, ReadonlyMap<string, string>>()

beforeAll(async () => {
  made = new Project({})
  for (const one of CASES) await write(made, landed(one, 'first'), one.format, BASE[one.format] ?? '')
  const first = await loaded(made)
  expect(first.tables.filter(({ status }) => status !== 'pass')).toEqual([])
  for (const one of CASES) {
    before.set(one, schemaOf(made.path('tables', one.mode, tableName(one))))
    await write(made, landed(one, 'second'), one.format, one.content[one.format] ?? '')
  }
  report = await loaded(made)
}, 300_000)

afterAll(() => made.remove())

test('the table of docs/schema.md has every change', () => {
  expect([...DOCUMENTED.keys()].sort()).toEqual(MODES.flatMap((mode) => Object.keys(CHANGES).map((change) => `${change} ${mode}`)).sort())
})

test.each(CASES)('$mode: $change in $format', async (one) => {
  const { word, row } = await seen(one)
  const expected = DOCUMENTED.get(`${one.change} ${one.mode}`) ?? ''
  expect(word).toBe(codes(expected, one.format))
  expect(row).toMatchObject(expected.startsWith('fails') ? {} : (one.content.rows[expected] ?? { missing: 'what the row shall have' }))
  const [name = '', text] = one.content.rescued ?? []
  const rescued = { [name]: text, _file_path: made.path(landed(one, 'second')) }
  expect(row['_rescued_data'] ?? null).toEqual(expected === 'rescued' ? expect.anything() : null)
  if (expected === 'rescued') expect(JSON.parse(String(row['_rescued_data']))).toEqual(rescued)
})

function codes(expected: string, format: Format): string {
  if (expected === 'fails: TYPE') return format === 'parquet' ? 'fails: ING-SCHEMA-TYPE' : 'fails: ING-FILE-VALUE'
  return expected.replace('fails: ', 'fails: ING-SCHEMA-')
}

/** What became of the second file, in the words of the table. */
async function seen(one: Case): Promise<Seen> {
  const known = before.get(one) ?? new Map<string, string>()
  const table = made.path('tables', one.mode, tableName(one))
  const result = report.tables.find((entry) => entry.table === `${one.mode}.${tableName(one)}`)
  const [error] = result?.errors ?? []
  if (error) return { word: `fails: ${error.code}`, row: {} }
  const after = schemaOf(table)
  const isAdded = [...after.keys()].some((name) => !known.has(name))
  const isWidened = [...after].some(([name, type]) => known.has(name) && known.get(name) !== type)
  const files = activeFiles(table).map((path) => `'${path}'`)
  const [row = {}] = await query(
    `select * from read_parquet([${files.join(', ')}], union_by_name = true) where _source_file = '${made.path(landed(one, 'second'))}'`,
  )
  const isIgnored = result?.status === 'warn' && result.warnings.every(({ code }) => code === 'ING-SCHEMA-IGNORED')
  const isNull = [...known.keys()].some((name) => !/^_|\./.test(name) && !isRescued(row) && row[name] === null) || isNestedNull(row)
  const words = [isAdded && 'added', isWidened && 'widened', isRescued(row) && 'rescued', isIgnored && 'left out'].filter(
    (word) => word !== false,
  )
  if (words.length === 0) words.push(isNull ? 'null' : 'loads')
  return { word: words.join(', '), row }
}

function isRescued(row: Seen['row']): boolean {
  return (row['_rescued_data'] ?? null) !== null
}

function isNestedNull(row: Seen['row']): boolean {
  const struct = row['s']
  return typeof struct === 'object' && struct !== null && Object.values(struct).includes(null)
}

import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createIngest, type RunReport, type TrackedFile } from 'ingestd'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { removeFolder } from '../support/keep.ts'
import { activeFiles } from '../support/project.ts'
import { CORPUS } from './corpus.ts'
import { type CorpusFile, type CorpusTable, type Outcome, write } from './make.ts'

const folder = mkdtempSync(join(tmpdir(), 'ingestd-corpus-'))
afterAll(() => removeFolder(folder))

const pathOf = (table: CorpusTable, file: CorpusFile) => join(folder, 'landing', table.name, file.name)
const target = (table: CorpusTable) => join(folder, 'tables', 'default', table.name)

const tracked = new Map<string, TrackedFile>()
interface Loaded {
  readonly path: string
  readonly rows: number
  /** The least row, as JSON. */
  readonly first: string
}

/** Rows of the tables by the file that they came from. */
const inTable = new Map<string, Loaded>()
let again: RunReport | undefined

beforeAll(async () => {
  const files = CORPUS.flatMap((table) => table.files.map((file) => ({ path: pathOf(table, file), content: file.content })))
  for (const { path } of files) mkdirSync(dirname(path), { recursive: true })
  await write(files)
  await using ingest = await createIngest({ config: config() })
  await ingest.run()
  for await (const file of ingest.files()) tracked.set(file.file_path, file)
  for (const table of CORPUS) for (const row of await rowsOf(table)) inTable.set(row.path, row)
  again = await ingest.run()
}, 120_000)

function config(): Record<string, unknown> {
  const tables = CORPUS.map(({ name, config: own }) => ({
    table_name: name,
    source_path_pattern: `${name}/*`,
    watch: { settle_seconds: 0 },
    file_format: 'csv',
    ...own,
  }))
  return {
    raw_data_path: join(folder, 'landing'),
    processed_data_path: join(folder, 'tables'),
    checkpoint_path: join(folder, 'state'),
    max_parallel_jobs: 2,
    tables,
  }
}

/** Read from the data files that the log lists, without the product. */
async function rowsOf(table: CorpusTable): Promise<readonly Loaded[]> {
  const data = existsSync(join(target(table), '_delta_log')) ? activeFiles(target(table)) : []
  if (data.length === 0) return []
  const found =
    await query(`with every_row as (select * exclude (_load_timestamp, _batch_id) from read_parquet(${list(data)}, union_by_name = true))
    select _source_file as path, count(*)::int as rows, min(to_json(every_row)::varchar) as first from every_row group by _source_file`)
  return found.map((row) => ({ path: String(row['path']), rows: Number(row['rows']), first: bare(String(row['first'])) }))
}

/** Without nulls, and without the file's path; as text, since numbers may have more digits than ours. */
function bare(json: string): string {
  const fields = json.replace(/"_source_file":"(?:[^"\\]|\\.)*",?/, '').replaceAll(/"(?:[^"\\]|\\.)*":null,?/g, '')
  return fields.replaceAll(',}', '}')
}

describe.each(CORPUS)('$name', (table) => {
  test.for(table.files)('$name', (file) => {
    expect(outcomeOf(pathOf(table, file), file.outcome)).toEqual(file.outcome)
  })

  test('its tracker and its table have the same rows', () => {
    const path = join(folder, 'landing', table.name, '/')
    const files = [...tracked.values()].filter((file) => file.file_path.startsWith(path))
    const counted = files.map((file) => [file.file_path, file.status === 'completed' ? (file.rows_loaded ?? 0) : 0] as const)
    expect(counted.filter(([, rows]) => rows > 0).toSorted()).toEqual(
      [...inTable.values()]
        .filter((row) => row.path.startsWith(path))
        .map(({ path: name, rows }) => [name, rows])
        .toSorted(),
    )
    for (const file of files.filter(({ status }) => status === 'completed')) expect(unaccounted(file), file.file_path).toBe(0)
  })
})

test('the corpus has two hundred files, and a second run finds nothing to do', () => {
  expect(CORPUS.flatMap((table) => table.files).length).toBeGreaterThanOrEqual(200)
  expect(again?.totals.files).toBe(0)
  expect([...tracked.values()].filter(({ status }) => status !== 'completed' && status !== 'failed')).toEqual([])
})

test('corpus.md tells the table', async () => {
  await expect(text()).toMatchFileSnapshot('corpus.md')
})

/** What happened, in the terms of what was expected: words and rows that were not asked for are left out. */
function outcomeOf(path: string, expected: Outcome): Outcome {
  const file = tracked.get(path)
  if (file === undefined) return { kind: 'ignored' }
  if (file.status !== 'completed') {
    const message = (file.error_message ?? '').replaceAll(folder, '')
    const says = expected.kind === 'failed' && message.includes(expected.says) ? expected.says : message
    return { kind: 'failed', code: file.error_code ?? '', says }
  }
  const row = inTable.get(path)
  const asked = expected.kind === 'loaded' && expected.first === null
  return { kind: 'loaded', rows: row?.rows ?? 0, rejected: file.rows_rejected ?? 0, first: asked ? null : (row?.first ?? null) }
}

function unaccounted(file: TrackedFile): number {
  const { rows_read: read, rows_loaded: rows, rows_rejected: rejects, rows_filtered: filtered, rows_deduplicated: doubles } = file
  return (read ?? 0) - (rows ?? 0) - (rejects ?? 0) - (filtered ?? 0) - (doubles ?? 0)
}

function text(): string {
  const head = '# The corpus\n\nGenerated from `corpus.ts` by `npx vitest run test/corpus -u`: ugly files, and how each ends.\n'
  const tables = CORPUS.map(({ name, config: own, files }) => {
    const rows = files.map(({ name: file, outcome, fault }) => `| ${code(file)} | ${told(outcome)} | ${fault ?? ''} |`)
    return [`## ${name}`, '', code(JSON.stringify(own)), '', '| file | ends | known fault |', '| --- | --- | --- |', ...rows].join('\n')
  })
  return `${[head, ...tables].join('\n')}\n`
}

function told(outcome: Outcome): string {
  if (outcome.kind === 'ignored') return 'not looked at'
  if (outcome.kind === 'failed') return `${outcome.code}${outcome.says === '' ? '' : `: ${code(outcome.says)}`}`
  const rows = outcome.rows === 1 ? '1 row' : `${outcome.rows} rows`
  return `${rows}${outcome.rejected === 0 ? '' : `, ${outcome.rejected} rejected`}${outcome.first === null ? '' : `: ${code(short(outcome.first))}`}`
}

function short(words: string): string {
  return words.length <= 100 ? words : `${words.slice(0, 97)}...`
}

function code(words: string): string {
  return `\`${words.replaceAll('|', '\\|').replaceAll('\n', '\\n').replaceAll('`', "'")}\``
}

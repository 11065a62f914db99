import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type ReaderName = 'delta-rs' | 'arrow' | 'duckdb' | 'spark'

/** Every row in the canonical form of canonical.py, sorted: two tables are equal exactly when these are. */
export interface TableRows {
  readonly names: readonly string[]
  readonly rows: readonly string[]
}

/** A comparison of a column with a constant, said so that each reader can put it into its own SQL. */
export interface Filter {
  readonly column: string
  /** As Delta names it: `bigint`, `decimal(9,2)`, `string` … */
  readonly type: string
  readonly op: '=' | '<' | '<=' | '>' | '>=' | 'null' | 'not null'
  readonly value?: string
}

export interface Reader extends AsyncDisposable {
  readonly name: ReaderName
  read(table: string): Promise<TableRows>
  /** What the reader's filters find, and what a look at each row of a full read finds. */
  count(table: string, filters: readonly Filter[]): Promise<{ readonly counts: readonly number[]; readonly expected: readonly number[] }>
  version(table: string): Promise<{ readonly version: number; readonly schema: unknown; readonly partitions: readonly string[] }>
  /** Rows of a DuckDB query, written by the reader's own library. */
  append(table: string, sql: string): Promise<void>
  create(table: string, sql: string, partitions: readonly string[]): Promise<void>
  /** Rows of any DuckDB query; reader `duckdb` alone. */
  query(sql: string): Promise<TableRows>
  /** Any statement of DuckDB or Spark. */
  run(sql: string): Promise<void>
}

const PACKAGES = 'deltalake==1.6.6 pyarrow==26.0.1 pandas==3.1.1 duckdb==1.5.5 duckdb-extension-delta==1.5.5 pytz'
const python = process.env['INGEST_TEST_PYTHON'] ?? 'python3'
const jars = process.env['INGEST_TEST_SPARK_JARS']

/** On a build machine a missing reader is a failure, but for Spark where there is no JVM; elsewhere its tests are skipped with the reason. */
export function needed(name: ReaderName): boolean {
  return process.env['CI'] !== undefined && (name !== 'spark' || spawnSync('java', ['-version']).status === 0)
}

/** Why a reader cannot run here, with what to type; undefined when it can. */
export function missing(name: ReaderName): string | undefined {
  const modules = ['deltalake', 'pyarrow', 'duckdb', 'duckdb_extension_delta', 'pytz', ...(name === 'spark' ? ['pyspark'] : [])]
  const probe = spawnSync(python, ['-c', `import ${modules.join(', ')}`], { encoding: 'utf8' })
  if (probe.status !== 0) {
    const wanted = name === 'spark' ? `${PACKAGES} pyspark==3.5.9` : PACKAGES
    return `${python} lacks the readers: python3 -m venv .venv && .venv/bin/pip install ${wanted}, then INGEST_TEST_PYTHON=.venv/bin/python`
  }
  return name === 'spark' ? missingForSpark() : undefined
}

function missingForSpark(): string | undefined {
  if (spawnSync('java', ['-version']).status !== 0) return 'no java: Spark needs a JVM of version 8, 11 or 17'
  if (jars !== undefined && readdirSync(jars).some((name) => name.startsWith('delta-spark_2.12'))) return undefined
  return 'INGEST_TEST_SPARK_JARS is not a folder with the jars of Delta for Spark 3.5; CONTRIBUTING.md shows how to fetch them'
}

/** Starts a reader as a process of its own; it ends when the reader is disposed of. */
export async function startReader(name: ReaderName): Promise<Reader> {
  const child = spawn(python, ['-u', join(import.meta.dirname, 'read_table.py'), name], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ask = asker(child, name)
  await ask(undefined)
  const nothing = async (request: object): Promise<void> => void (await ask(request))
  return {
    name,
    // Each answer has the shape that read_table.py documents for its op.
    read: async (table) => (await ask({ op: 'read', table })) as TableRows,
    count: async (table, filters) => (await ask({ op: 'count', table, filters })) as { counts: number[]; expected: number[] },
    version: async (table) => (await ask({ op: 'version', table })) as { version: number; schema: unknown; partitions: string[] },
    append: (table, sql) => nothing({ op: 'append', table, sql }),
    create: (table, sql, partitions) => nothing({ op: 'create', table, sql, partitions }),
    query: async (sql) => (await ask({ op: 'query', sql })) as TableRows,
    run: (sql) => nothing({ op: 'run', sql }),
    [Symbol.asyncDispose]: () => ended(child),
  }
}

/** One question at a time: requests and answers are lines, in the same order. */
function asker(child: ChildProcess, name: ReaderName): (request: object | undefined) => Promise<unknown> {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null) throw new Error('the reader has no pipes')
  let noise = ''
  stderr.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-4000)
  })
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const exchange = async (request: object | undefined): Promise<unknown> => {
    if (request !== undefined) stdin.write(`${JSON.stringify(request)}\n`)
    const line = await lines.next()
    if (line.done === true) throw new Error(`reader ${name} ended: ${noise}`)
    const answer = JSON.parse(line.value) as { ok?: unknown; error?: string }
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`)
    return answer.ok
  }
  return (request) => {
    last = last.catch(() => undefined).then(() => exchange(request))
    return last
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const closed = new Promise((resolve) => child.once('close', resolve))
  child.stdin?.end()
  await closed
}

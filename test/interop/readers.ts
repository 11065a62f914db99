import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type ReaderName = 'delta-rs' | 'arrow' | 'duckdb' | 'spark' | 'spark4'

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

export interface Reader {
  readonly name: ReaderName
  read(table: string): Promise<TableRows>
  readVersions(table: string, versions: readonly number[]): Promise<readonly TableRows[]>
  /** How many rows a read of all columns gives. */
  size(table: string): Promise<number>
  /** What the reader's filters find, and what a look at each row of a full read finds. */
  count(table: string, filters: readonly Filter[]): Promise<{ readonly counts: readonly number[]; readonly expected: readonly number[] }>
  version(table: string): Promise<{ readonly version: number; readonly schema: unknown; readonly partitions: readonly string[] }>
  /** Rows of a DuckDB query, written by the reader's own library. */
  append(table: string, sql: string): Promise<void>
  create(table: string, sql: string, partitions: readonly string[]): Promise<void>
  /** A change of rows or a maintenance of the table by the reader's own library. */
  change(table: string, change: Change): Promise<void>
  /** Changes of a change feed from a version on, without their timestamps. */
  changes(table: string, from: number): Promise<TableRows>
  /** Makes a table of fixtures.py in the folder. */
  fixture(name: string, folder: string): Promise<void>
  /** Rows of any DuckDB query; reader `duckdb` alone. */
  query(sql: string): Promise<TableRows>
  /** Any statement of DuckDB or Spark. */
  run(sql: string): Promise<void>
}

/** Conditions and values are SQL that all engines read alike; `rows` of a merge is a DuckDB query. */
export type Change =
  | { readonly kind: 'update'; readonly set: Readonly<Record<string, string>>; readonly where: string }
  | { readonly kind: 'delete'; readonly where: string }
  /** Rows are matched by `key`; those that match are replaced, the others added. */
  | { readonly kind: 'merge'; readonly rows: string; readonly key: string }
  | { readonly kind: 'optimize' }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'vacuum' }

const PACKAGES = 'deltalake==1.6.6 pyarrow==26.0.1 pandas==3.1.1 duckdb==1.5.5 duckdb-extension-delta==1.5.5 pytz pyspark==3.5.9'
const PACKAGES4 = 'pyspark==4.0.5 pyarrow==26.0.1 pandas==3.1.1 duckdb==1.5.5 pytz'

interface Home {
  readonly python: string
  readonly modules: readonly string[]
  readonly packages: string
  readonly jars?: { readonly variable: string; readonly prefix: string }
}

const python = process.env['INGEST_TEST_PYTHON'] ?? 'python3'
const PLAIN: Home = { python, modules: ['deltalake', 'pyarrow', 'duckdb', 'duckdb_extension_delta', 'pytz'], packages: PACKAGES }
const HOMES: Readonly<Record<ReaderName, Home>> = {
  'delta-rs': PLAIN,
  arrow: PLAIN,
  duckdb: PLAIN,
  spark: { ...PLAIN, modules: [...PLAIN.modules, 'pyspark'], jars: { variable: 'INGEST_TEST_SPARK_JARS', prefix: 'delta-spark_2.12' } },
  spark4: {
    python: process.env['INGEST_TEST_PYTHON_SPARK4'] ?? 'python3',
    modules: ['pyspark', 'pyarrow', 'duckdb', 'pandas'],
    packages: PACKAGES4,
    jars: { variable: 'INGEST_TEST_SPARK4_JARS', prefix: 'delta-spark_2.13' },
  },
}

/** The Sparks take longer than all other readers together: `INGEST_TEST_SPARKS=all` asks both of all there is, else they share it. */
export const ALL_SPARKS = process.env['INGEST_TEST_SPARKS'] === 'all'

/** One of the two Sparks, unless both are asked for. */
export function withOneSpark(names: readonly ReaderName[], asked: 'spark' | 'spark4'): readonly ReaderName[] {
  const left: ReaderName = asked === 'spark' ? 'spark4' : 'spark'
  return ALL_SPARKS ? names : names.filter((name) => name !== left)
}

const reasons = new Map<ReaderName, string | undefined>()
const started = new Map<ReaderName, Promise<Reader>>()

/** The reader, started when it is first asked for and shared by all test files of the run; it ends with the run. */
export async function readerOr(skip: (reason: string) => never, name: ReaderName): Promise<Reader> {
  const reason = missing(name)
  if (reason === undefined) return reader(name)
  // On a build machine a missing reader is a failure, but for Spark where there is no JVM.
  if (process.env['CI'] !== undefined && (HOMES[name].jars === undefined || hasJava())) throw new Error(reason)
  return skip(reason)
}

/** Why a reader cannot run here, with what to type; undefined when it can. */
export function missing(name: ReaderName): string | undefined {
  if (!reasons.has(name)) reasons.set(name, reasonWhy(HOMES[name]))
  return reasons.get(name)
}

/** The reader itself, for those who know that it is not missing. */
export function reader(name: ReaderName): Promise<Reader> {
  const running = started.get(name) ?? startReader(name)
  started.set(name, running)
  return running
}

function reasonWhy({ python, modules, packages, jars }: Home): string | undefined {
  const probe = spawnSync(python, ['-c', `import ${modules.join(', ')}`], { encoding: 'utf8' })
  if (probe.status !== 0) return `${python} lacks the readers: test/interop/setup FOLDER makes a Python that has ${packages}`
  if (jars === undefined) return undefined
  if (!hasJava()) return 'no java: Spark needs a JVM of version 17'
  const folder = process.env[jars.variable]
  if (folder !== undefined && readdirSync(folder).some((file) => file.startsWith(jars.prefix))) return undefined
  return `${jars.variable} is not a folder with the jars of Delta for Spark: test/interop/setup FOLDER fetches them`
}

function hasJava(): boolean {
  return spawnSync('java', ['-version']).status === 0
}

async function startReader(name: ReaderName): Promise<Reader> {
  const script = join(import.meta.dirname, 'read_table.py')
  const child = spawn(HOMES[name].python, ['-u', script, name], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ask = asker(child, name)
  await ask(undefined)
  const nothing = async (request: object): Promise<void> => void (await ask(request))
  return {
    name,
    // Each answer has the shape that read_table.py documents for its op.
    read: async (table) => (await ask({ op: 'read', table })) as TableRows,
    readVersions: async (table, versions) => (await ask({ op: 'read', table, versions })) as TableRows[],
    size: async (table) => (await ask({ op: 'size', table })) as number,
    count: async (table, filters) => (await ask({ op: 'count', table, filters })) as { counts: number[]; expected: number[] },
    version: async (table) => (await ask({ op: 'version', table })) as { version: number; schema: unknown; partitions: string[] },
    append: (table, sql) => nothing({ op: 'append', table, sql }),
    create: (table, sql, partitions) => nothing({ op: 'create', table, sql, partitions }),
    change: (table, change) => nothing({ op: 'change', table, change }),
    changes: async (table, from) => (await ask({ op: 'changes', table, from })) as TableRows,
    fixture: (fixture, folder) => nothing({ op: 'fixture', writer: name, fixture, folder }),
    query: async (sql) => (await ask({ op: 'query', sql })) as TableRows,
    run: (sql) => nothing({ op: 'run', sql }),
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

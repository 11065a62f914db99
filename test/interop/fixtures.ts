import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ALL_SPARKS, missing, type ReaderName, reader, type TableRows } from './readers.ts'

export type WriterName = Extract<ReaderName, 'delta-rs' | 'spark' | 'spark4'>

/** A table that another made, with its rows as its own writer reads them; see fixtures.py. */
export interface Fixture extends TableRows {
  readonly table: string
  readonly partitions: readonly string[]
  /** Features by which ingestd must refuse to read or to write it. */
  readonly refused: { readonly read?: string; readonly write?: string }
  /** A DuckDB query of rows that may be added. */
  readonly append: string
  /** Rows of each version that its writer can still read. */
  readonly versions: Readonly<Record<string, TableRows>>
  readonly changes?: TableRows & { readonly from: number }
}

export interface FixtureName {
  readonly writer: WriterName
  readonly name: string
  /** Whether it keeps a change feed. */
  readonly feed: boolean
}

/** Fixtures live as long as what makes them: a machine makes, or unpacks, each of them once. */
const NAMES = ['fixtures.py', 'canonical.py', 'archive.py', 'foreign.tar.xz']
const SOURCES = NAMES.map((name) => readFileSync(join(import.meta.dirname, name)))
const HASH = SOURCES.reduce((hash, source) => hash.update(source), createHash('sha256'))
  .digest('hex')
  .slice(0, 12)
const FOLDER = process.env['INGEST_TEST_FIXTURES'] ?? join(tmpdir(), `ingestd-fixtures-${HASH}${ALL_SPARKS ? '-made' : ''}`)

/** All fixtures of fixtures.py; none where there is no Python. */
export function fixtureNames(): readonly FixtureName[] {
  const listed = python('fixtures.py', '--list')
  return listed.status === 0 ? (JSON.parse(listed.stdout) as FixtureName[]) : []
}

/**
 * Puts the tables of the archive into the folder; false where they are of another fixtures.py, so that they are made.
 * They are made as well where all Sparks are asked for everything.
 */
export function unpackFixtures(): boolean {
  if (ALL_SPARKS) return true
  unpacked ??= unpack()
  return unpacked
}

let unpacked: boolean | undefined

function unpack(): boolean {
  const { status, stderr } = python('archive.py', 'unpack', FOLDER)
  if (status !== 0 && status !== 3) throw new Error(`the fixtures were not unpacked: ${stderr}`)
  return status === 0
}

function python(script: string, ...args: readonly string[]) {
  const program = process.env['INGEST_TEST_PYTHON'] ?? 'python3'
  return spawnSync(program, [join(import.meta.dirname, script), ...args], { encoding: 'utf8' })
}

const making = new Map<string, Promise<void>>()

/** The fixture. When one is missing the others are made too, by each writer in turn, since two writers are faster than one. */
export async function fixture(name: Pick<FixtureName, 'writer' | 'name'>): Promise<Fixture> {
  unpackFixtures()
  if (!existsSync(factsOf(name))) {
    const isFirst = making.size === 0
    const made = makeOnce(name)
    if (isFirst) for (const writer of ['delta-rs', 'spark', 'spark4'] as const) if (missing(writer) === undefined) void makeRest(writer)
    await made
  }
  const made = JSON.parse(await readFile(factsOf(name), 'utf8')) as Fixture
  return { ...made, table: join(FOLDER, name.writer, name.name, made.table) }
}

function factsOf({ writer, name }: Pick<FixtureName, 'writer' | 'name'>): string {
  return join(FOLDER, writer, name, 'expected.json')
}

function makeOnce({ writer, name }: Pick<FixtureName, 'writer' | 'name'>): Promise<void> {
  const key = `${writer}/${name}`
  const made = making.get(key) ?? make(writer, name)
  making.set(key, made)
  return made
}

async function make(writer: WriterName, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  await (await reader(writer)).fixture(name, FOLDER)
}

/** One after the other, so that what a test asks of the writer comes between. A failure is told to the test that needs the fixture. */
async function makeRest(writer: WriterName): Promise<void> {
  for (const name of fixtureNames()) {
    if (name.writer === writer && !existsSync(factsOf(name))) await makeOnce(name).catch(() => undefined)
  }
}

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ReaderName, reader, type TableRows } from './readers.ts'

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

/** Fixtures live as long as what makes them: a machine makes each of them once. */
const SOURCES = ['fixtures.py', 'canonical.py'].map((name) => readFileSync(join(import.meta.dirname, name)))
const HASH = SOURCES.reduce((hash, source) => hash.update(source), createHash('sha256'))
  .digest('hex')
  .slice(0, 12)
const FOLDER = process.env['INGEST_TEST_FIXTURES'] ?? join(tmpdir(), `ingestd-fixtures-${HASH}`)

/** All fixtures of fixtures.py; none where there is no Python. */
export function fixtureNames(): readonly FixtureName[] {
  const python = process.env['INGEST_TEST_PYTHON'] ?? 'python3'
  const listed = spawnSync(python, [join(import.meta.dirname, 'fixtures.py'), '--list'], { encoding: 'utf8' })
  return listed.status === 0 ? (JSON.parse(listed.stdout) as FixtureName[]) : []
}

/** The fixture, made when it is not there yet. */
export async function fixture({ writer, name }: FixtureName): Promise<Fixture> {
  const facts = join(FOLDER, writer, name, 'expected.json')
  if (!existsSync(facts)) {
    await mkdir(FOLDER, { recursive: true })
    await (await reader(writer)).fixture(name, FOLDER)
  }
  return JSON.parse(await readFile(facts, 'utf8')) as Fixture
}

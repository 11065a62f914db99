import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { activeFiles, type Project, project } from '../support/project.ts'

interface Tracked {
  readonly error_code: string | null
  readonly retry_count: number
}

function landed(files: number, config: Record<string, unknown> = {}, table: Record<string, unknown> = {}): Project {
  const made = project({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    ...config,
    tables: [{ table_name: 't', source_path_pattern: '**/*.csv', watch: { settle_seconds: 0 }, ...table }],
  })
  for (let file = 0; file < files; file += 1) made.write(`landing/day/part-${file}.csv`, `id\n${file}\n`)
  return made
}

async function loadedIds(made: Project): Promise<readonly number[]> {
  const rows = await query(`select id::integer as id from read_parquet(${list(activeFiles(made.path('tables/default/t')))}) order by id`)
  return rows.map(({ id }) => Number(id))
}

async function failures(made: Project): Promise<readonly (string | null)[]> {
  const failed = await made.json<Tracked[]>(['files', '--status', 'failed'])
  return failed.map(({ error_code }) => error_code)
}

interface Report {
  readonly tables: readonly { readonly warnings: readonly { readonly message: string }[]; readonly errors: readonly unknown[] }[]
}

test('a file that makes the load process abort fails alone, its neighbours load in one run, and a hand brings it in', async () => {
  const made = landed(8)
  const { code, stdout } = await made.run(['run', '--json'], { INGEST_FAULT: 'abort:part-5' })
  expect(code).toBe(1)
  expect(await loadedIds(made)).toEqual([0, 1, 2, 3, 4, 6, 7])
  const [table] = (JSON.parse(stdout) as Report).tables
  expect(table?.warnings.map(({ message }) => /its (\d+) files are tried again by halves$/.exec(message)?.[1])).toEqual(['8', '4', '2'])
  expect(table?.errors).toMatchObject([{ file: made.path('landing/day/part-5.csv'), code: 'ING-FILE-CRASHES' }])

  expect((await made.run(['retry', 'landing/day/part-5.csv'])).code).toBe(0)
  expect((await made.run(['run', '--json'])).code).toBe(0)
  expect(await loadedIds(made)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test.each([
  { kind: 'segfault', code: 'ING-FILE-CRASHES' },
  { kind: 'memory', code: 'ING-FILE-CRASHES' },
  { kind: 'hang', code: 'ING-FILE-TIMEOUT' },
])('a file whose load process ends by $kind fails with $code, and its neighbour loads', async ({ kind, code }) => {
  // A load of this machine may take long when others are at work on it.
  const made = landed(2, kind === 'hang' ? { timeout_minutes: 0.05 } : {})
  expect((await made.run(['run', '--json'], { INGEST_FAULT: `${kind}:part-1` })).code).toBe(1)
  expect(await loadedIds(made)).toEqual([0])
  expect(await failures(made)).toEqual([code])
})

test('a file that ends the whole process group is tried with the others once more, then alone, and then failed', async () => {
  const made = landed(2, { retry_attempts: 0 })
  const ends: (string | null)[] = []
  for (let run = 0; run < 4; run += 1) {
    const { code, signal } = await made.run(['run', '--json'], { INGEST_FAULT: 'kill-all:part-0' })
    ends.push(signal ?? String(code))
  }
  expect(ends).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', '0'])
  expect(await loadedIds(made)).toEqual([1])
  expect(await failures(made)).toEqual(['ING-FILE-CRASHES'])
})

test('a snapshot of several files is not loaded in parts: all its files wait for the next attempt', async () => {
  const made = landed(2, {}, { loading_strategy: 'overwrite', snapshot_unit: 'folder' })
  expect((await made.run(['run', '--json'], { INGEST_FAULT: 'abort:part-1' })).code).toBe(1)
  expect(await failures(made)).toEqual(['ING-ENGINE-CRASH', 'ING-ENGINE-CRASH'])
  expect((await made.run(['run', '--json'])).code).toBe(0)
  expect(await loadedIds(made)).toEqual([0, 1])
})

import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { activeFiles, finished, type Project, project } from '../support/project.ts'
import { fillDisk, lockTracker, signalProcess, smallDisk } from './faults.ts'

const MANY = Number(process.env['INGEST_TEST_MANY_FILES'] ?? '100000')

interface Failed {
  readonly error_code: string | null
}

interface Report {
  readonly totals: { readonly files: number; readonly rows: number }
  readonly tables: readonly { readonly errors: readonly { readonly code: string; readonly message: string }[] }[]
}

function landing(config: Record<string, unknown> = {}, table: Record<string, unknown> = {}): Project {
  return project({
    // Any port, since others may be at work on this machine.
    http: { port: 0 },
    retry_backoff: { base_seconds: 0.01, factor: 1, max_seconds: 0.01 },
    ...config,
    tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 }, ...table }],
  })
}

async function rowsOf(made: Project): Promise<number> {
  const [found] = await query(`select count(*)::integer as rows from read_parquet(${list(activeFiles(made.path('tables/default/t')))})`)
  return Number(found?.['rows'])
}

/** A daemon, and what it said, that is killed when the test ends. */
function daemon(made: Project) {
  const child = made.start(['daemon'])
  onTestFinished(() => signalProcess(-(child.pid ?? 0), 'SIGKILL'))
  return { child, ended: finished(child) }
}

async function untilLoaded(made: Project, files: number): Promise<void> {
  await expect
    .poll(async () => (await made.json<{ status: string }[]>(['files'])).filter(({ status }) => status === 'completed').length, {
      timeout: 120_000,
      interval: 500,
    })
    .toBe(files)
}

const bytes = 'x'.repeat(1000)

test('a full disk fails the load with a hint and leaves nothing half done; with room again the files load by themselves', async ({
  skip,
}) => {
  const made = landing()
  mkdirSync(made.path('tables'))
  using disk = smallDisk(made.path('tables'), 4 * 1024 ** 2)
  if (disk === undefined) return skip('no disk can be mounted here')
  made.write('landing/first.csv', 'id,text\n1,one\n')
  expect((await made.run(['run', '--json'])).code).toBe(0)
  made.write('landing/second.csv', `id,text\n${Array.from({ length: 1000 }, (_, id) => `${id},${bytes}${id}\n`).join('')}`)
  const full = fillDisk(made.path('tables'), 8000)
  const { stdout } = await made.run(['run', '--json'])
  const [error] = (JSON.parse(stdout) as Report).tables[0]?.errors ?? []
  expect(error?.code).toBe('ING-STORAGE-FULL')
  await full
  expect((await made.run(['run', '--json'])).code).toBe(0)
  expect(await rowsOf(made)).toBe(1001)
  expect((await made.run(['verify'])).code).toBe(0)
})

test('a tracker that another process has locked is waited for, and then told of, with 4; a daemon goes on when it is free', async () => {
  const made = landing()
  made.write('landing/1.csv', 'id\n1\n')
  const running = daemon(made)
  await untilLoaded(made, 1)
  const locked = lockTracker(made, 15_000)
  made.write('landing/2.csv', 'id\n2\n')
  const { code, stdout } = await made.run(['run', '--json'])
  expect([code, stdout]).toEqual([4, expect.stringContaining('ING-TRACKER-LOCKED')])
  await locked
  await untilLoaded(made, 2)
  signalProcess(running.child.pid ?? 0, 'SIGTERM')
  expect((await running.ended).code).toBe(0)
})

test('a damaged tracker ends a command and a daemon with 4, and names the file', async () => {
  const made = landing()
  made.write('landing/1.csv', 'id\n1\n')
  await made.run(['run', '--json'])
  writeFileSync(made.path('state/metadata.db'), Buffer.alloc(100_000, 'damage '))
  for (const command of [['run', '--json'], ['daemon']]) {
    const { code, stdout, stderr } = await made.run(command)
    expect([command[0], code]).toEqual([command[0], 4])
    expect(stdout + stderr).toContain('ING-TRACKER-CORRUPT')
    expect(stdout + stderr).toContain('state/metadata.db')
  }
})

test.each(['deleted', 'replaced by a backup'])('a tracker that is %s under a daemon ends it with 4', async (how) => {
  const made = landing()
  made.write('landing/1.csv', 'id\n1\n')
  const running = daemon(made)
  await untilLoaded(made, 1)
  if (how === 'deleted') for (const end of ['', '-wal', '-shm']) rmSync(made.path(`state/metadata.db${end}`), { force: true })
  else {
    const database = new BetterSqlite(made.path('state/metadata.db'))
    await database.backup(made.path('state/backup.db'))
    database.close()
    renameSync(made.path('state/backup.db'), made.path('state/metadata.db'))
  }
  const { code, stderr } = await running.ended
  expect([code, stderr]).toEqual([4, expect.stringContaining('ING-TRACKER-UNAVAILABLE')])
})

test('a file that is rewritten in a loop is loaded as one whole version of it, and in the end as the last', async () => {
  const made = landing({}, { loading_strategy: 'overwrite' })
  const content = (version: number) => `version,row\n${Array.from({ length: 20_000 }, (_, row) => `${version},${row}\n`).join('')}`
  const path = made.write('landing/t.csv', content(0))
  let version = 0
  let isOver = false
  const rewriting = (async () => {
    while (!isOver) {
      version += 1
      // In place, so that a reader may see the half of it; a time of its own for each version.
      writeFileSync(path, content(version))
      utimesSync(path, 1_700_000_000 + version, 1_700_000_000 + version)
      await sleep(20)
    }
  })()
  onTestFinished(() => {
    isOver = true
  })
  for (let run = 0; run < 4; run += 1) {
    // It may change each time while it is read, and then nothing is loaded of it.
    await made.run(['run', '--json'])
    if (!existsSync(made.path('tables/default/t/_delta_log'))) continue
    const files = activeFiles(made.path('tables/default/t'))
    expect(
      await query(`select count(distinct version)::integer as versions, count(*)::integer as rows from read_parquet(${list(files)})`),
    ).toEqual([{ versions: 1, rows: 20_000 }])
  }
  isOver = true
  await rewriting
  expect((await made.run(['run', '--json'])).code).toBe(0)
  const [found] = await query(
    `select max(version)::integer as version from read_parquet(${list(activeFiles(made.path('tables/default/t')))})`,
  )
  expect(found).toEqual({ version })
})

test(`${MANY} files that come at once are loaded by a daemon, each once`, async () => {
  const made = landing()
  mkdirSync(made.path('landing'))
  for (let file = 0; file < MANY; file += 1) writeFileSync(made.path(`landing/${file}.csv`), `id\n${file}\n`)
  const running = daemon(made)
  await expect
    .poll(async () => (await made.json<{ tables: { files: { completed: number } }[] }>(['status'])).tables[0]?.files.completed, {
      timeout: 600_000,
      interval: 2000,
    })
    .toBe(MANY)
  signalProcess(running.child.pid ?? 0, 'SIGTERM')
  expect((await running.ended).code).toBe(0)
  const [found] = await query(
    `select count(*)::integer as rows, count(distinct id)::integer as ids from read_parquet(${list(activeFiles(made.path('tables/default/t')))})`,
  )
  expect(found).toEqual({ rows: MANY, ids: MANY })
  expect(await made.json<Failed[]>(['files', '--status', 'failed'])).toEqual([])
}, 900_000)

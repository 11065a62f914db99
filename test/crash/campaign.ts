import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, onTestFinished } from 'vitest'
import { list, query } from '../support/engine.ts'
import { FOLDER, openPlace, type Place, PlacedProject, stopPlacesAfterAll } from '../support/places.ts'
import { activeFiles, finished, type LogAction, logActions } from '../support/project.ts'

/** Where the campaigns of this process are led: `INGEST_TEST_PLACE=s3+postgres npm run test:crash`, as `openPlace` reads it. */
const PLACE = process.env['INGEST_TEST_PLACE'] ?? FOLDER.name

const BATCHES = 5
const ROWS = 5
/** A server takes a while for each, and it is the steps that count. */
const filesOf = ({ tables, tracker }: Place): number => (tables === null && tracker === null ? 200 : 20)

const COUNTS = `count(*)::int as rows, count(distinct id)::int as ids, min(id)::int as low, max(id)::int as high,
  count(distinct _source_file)::int as files`

let home = FOLDER
if (PLACE !== FOLDER.name)
  beforeAll(async () => {
    home = await openPlace(PLACE)
  }, 300_000)
stopPlacesAfterAll()

/** A project of the place of the campaigns, or of another one. */
export function campaignProject(config: Record<string, unknown>, place: Place = home): PlacedProject {
  const made = new PlacedProject(place, config)
  onTestFinished(() => made.remove())
  return made
}

/** The same with landing files in a folder, whose times a test can set. */
export function localSource(config: Record<string, unknown>): PlacedProject {
  return campaignProject(config, { ...home, source: null })
}

/** Of small files in five batches, with a checkpoint every second commit, so that every step comes several times. */
export function loadedConfig(place = home) {
  return {
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 'orders',
        source_path_pattern: 'orders/*.csv',
        max_files_per_batch: filesOf(place) / BATCHES,
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2 },
      },
    ],
  }
}

/** Files that wait to be loaded. */
export function loadedProject(place = home): PlacedProject {
  const made = campaignProject(loadedConfig(place), place)
  for (let file = 0; file < filesOf(place); file += 1) {
    const rows = Array.from({ length: ROWS }, (_, row) => `${file * ROWS + row},file ${file},${row / 4}`)
    made.write(`landing/orders/part-${String(file).padStart(4, '0')}.csv`, `id,name,amount\n${rows.join('\n')}\n`)
  }
  return made
}

/** Runs with a failpoint, or is killed after some time; answers whether the process was killed. */
export async function crash(
  made: PlacedProject,
  how: { readonly failpoint: string } | { readonly afterMs: number },
  options: readonly string[] = [],
): Promise<boolean> {
  await made.ready()
  const child = made.start(['run', '--json', ...options], 'failpoint' in how ? { INGEST_FAILPOINT: how.failpoint } : {})
  const ended = finished(child)
  if ('afterMs' in how) {
    await sleep(how.afterMs)
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It had ended by itself.
    }
  }
  return (await ended).signal === 'SIGKILL'
}

/** Runs until nothing is left to do, as the next runs after a crash would; those that are killed themselves start anew (`random`). */
export async function finish(made: PlacedProject): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const { code, stdout, stderr } = await made.command(['run', '--json'])
    if (code === 0) return
    if (attempt === 4) throw new Error(`the run after the crash ended with ${code}: ${stdout} ${stderr}`)
  }
}

/** The state is that of a run without crashes: each row once, versions without a gap, each batch once, no file in between. */
export async function expectComplete(made: PlacedProject): Promise<void> {
  const table = await made.table('orders')
  const [rows] = await query(`select ${COUNTS} from read_parquet(${list(activeFiles(table))}, hive_partitioning = false)`)
  expect(rows).toEqual(countsOf(made.place))
  expectSoundLog(table)
  const tracked = await made.json<{ status: string; rows_loaded: number }[]>(['files', '--limit', '100000'])
  expect(tracked.map((file) => `${file.status} ${file.rows_loaded}`)).toEqual(
    Array.from({ length: filesOf(made.place) }, () => `completed ${ROWS}`),
  )
}

/** The same of the rows alone, by a query of the product: the log may have lost its first versions. */
export async function expectRows(made: PlacedProject): Promise<void> {
  const [rows] = await made.json<Record<string, unknown>[]>(['query', `select ${COUNTS} from "default".orders`])
  expect(rows).toEqual(countsOf(made.place))
}

function countsOf(place: Place): Readonly<Record<string, number>> {
  const files = filesOf(place)
  return { rows: files * ROWS, ids: files * ROWS, low: 0, high: files * ROWS - 1, files }
}

/** Versions without a gap, and each batch once; the actions, and how many batches there are. */
export function expectSoundLog(table: string): { readonly actions: readonly LogAction[]; readonly batches: number } {
  const actions = logActions(table)
  const versions = [...new Set(actions.map(({ version }) => version))]
  expect(versions).toEqual(versions.map((_, index) => index))
  const transactions = actions.flatMap(({ action }) =>
    action['txn'] ? [`${String(action['txn']['appId'])} ${String(action['txn']['version'])}`] : [],
  )
  expect(new Set(transactions).size).toBe(transactions.length)
  return { actions, batches: transactions.length }
}

import { join, resolve } from 'node:path'
import type { Ingest } from '../../app/ingest.ts'
import { writePriceLists } from '../../app/samples.ts'
import { scratchFolder, writeProject } from '../../app/write-project.ts'
import type { ExplainReport, RunReport } from '../../model/report.ts'
import type { Cli } from '../frame.ts'
import { openProject } from '../open.ts'
import type { TrackedFile } from '../tracked-file.ts'
import { BROKEN_FILE, demoFiles, PRICE_LISTS } from './demo-files.ts'
import { DemoPrinter } from './demo-printer.ts'

/** Everything that the demo found, as `--json` prints it. */
export interface DemoResult {
  readonly folder: string
  readonly kept: boolean
  readonly first_run: RunReport
  readonly files: readonly TrackedFile[]
  readonly explain: ExplainReport | null
  readonly query: { readonly sql: string; readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }
  readonly rows_before: number
  readonly second_run: RunReport
  readonly rows_after: number
}

const QUERY = `SELECT c.country, count(*) AS orders, sum(o.amount) AS revenue
FROM shop.orders o JOIN shop.customers c USING (customer_id)
GROUP BY ALL ORDER BY revenue DESC LIMIT 5`

const ROWS = 'SELECT (SELECT count(*) FROM shop.customers) + (SELECT count(*) FROM shop.orders) + (SELECT count(*) FROM shop.events)'

/** The main job on generated files. True when the second run loaded nothing and no row came or went. */
export async function demo(cli: Cli, dir: string | undefined, keep: boolean): Promise<boolean> {
  const scratch = dir === undefined ? await scratchFolder('ingest-demo') : undefined
  const folder = scratch?.path ?? resolve(dir ?? '.')
  const kept = scratch === undefined || keep
  try {
    const result = await steps(cli, folder, kept)
    if (cli.output.json) await cli.output.document(result)
    return result.second_run.totals.files === 0 && result.rows_before === result.rows_after
  } finally {
    if (!kept) await scratch.remove()
  }
}

/** Each step does what the command that is shown beside it does. */
async function steps(cli: Cli, folder: string, kept: boolean): Promise<DemoResult> {
  const printer = new DemoPrinter(cli.output, folder)
  await printer.title()

  await writeProject(folder, demoFiles(), false)
  await writePriceLists(
    PRICE_LISTS.map((path) => join(folder, path)),
    25,
  )
  await printer.project(kept)

  const { first_run, ...found } = await openDemo(cli, folder, async (ingest) => {
    const first_run = await ingest.run({ signal: cli.signal })
    await printer.firstRun(first_run)
    cli.signal.throwIfAborted()

    const files = await all(ingest.files())
    await printer.files(files)

    const [explain = null] = await ingest.explain(join(folder, BROKEN_FILE))
    if (explain !== null) await printer.explain(explain)

    const query = { sql: QUERY, ...(await collected(ingest, QUERY)) }
    await printer.query(query)
    return { first_run, files, explain, query, rows_before: await rowCount(ingest) }
  })

  // Opened anew, as the next call of the command would: what is known is in the tracker and the tables.
  const { second_run, rows_after } = await openDemo(cli, folder, async (ingest) => {
    const second_run = await ingest.run({ signal: cli.signal })
    return { second_run, rows_after: await rowCount(ingest) }
  })
  await printer.secondRun(second_run, found.rows_before, rows_after)
  await printer.end(kept)
  return { folder, kept, first_run, ...found, second_run, rows_after }
}

async function openDemo<T>(cli: Cli, folder: string, work: (ingest: Ingest) => Promise<T>): Promise<T> {
  // The story is told here; the log would tell it twice.
  await using ingest = await openProject(join(folder, 'ingest.yaml'), cli.options.logLevel ?? 'SILENT')
  return await work(ingest)
}

async function rowCount(ingest: Ingest): Promise<number> {
  const { rows } = await collected(ingest, ROWS)
  return Number(rows[0]?.[0] ?? 0)
}

/** A result that is known to be small. */
async function collected(
  ingest: Ingest,
  sql: string,
): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }> {
  let columns: readonly string[] = []
  let rows: readonly (readonly unknown[])[] = []
  await ingest.query(sql, async (result) => {
    columns = result.columns.map(({ name }) => name)
    rows = (await all(result.chunks)).flat()
  })
  return { columns, rows }
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

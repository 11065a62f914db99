import { Landing } from './landing.ts'

export type Table = Record<string, unknown>

/** Texts that a query of the product gives: deletion vectors and older versions count as they should. */
export async function texts(landing: Landing, query: string): Promise<readonly string[]> {
  const rows: string[] = []
  await landing.use((ingest) =>
    ingest.query(query, async ({ chunks }) => {
      for await (const chunk of chunks) for (const [row] of chunk) rows.push(String(row))
    }),
  )
  return rows
}

/** `id file` of each row. */
export function rowsBy(landing: Landing): Promise<readonly string[]> {
  return texts(landing, "select id || ' ' || parse_filename(_source_file) as r from default.t order by id, r")
}

/** Three files of two rows, each in a batch of its own. */
export async function loaded(table: Table = {}): Promise<Landing> {
  const landing = new Landing({ columns: { id: 'BIGINT', v: 'VARCHAR' }, max_files_per_batch: 1, ...table })
  landing.land('a.csv', 'id,v\n1,x\n2,y\n', 1)
  landing.land('b.csv', 'id,v\n3,x\n4,y\n', 3)
  landing.land('c.csv', 'id,v\n5,x\n6,y\n', 5)
  await landing.run()
  return landing
}

export const unload = (landing: Landing, files: readonly string[], dryRun = false) =>
  landing.use((ingest) => ingest.unload(files, { dryRun }))

export const replay = (landing: Landing, files: readonly string[], changes: Table = {}) =>
  landing.use((ingest) => ingest.replay(files), changes)

/** What the error says, with paths as the test knows them. */
export async function refusal(landing: Landing, work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    return `${code} ${message.replaceAll(`${landing.path('landing')}/`, '')}`
  }
  return 'nothing was refused'
}

/** Ways in which rows leave a table. */
export const KINDS: readonly (readonly [string, Table])[] = [
  ['a plain table', {}],
  ['deletion vectors', { delta: { deletion_vectors: true } }],
  ['a change feed', { delta: { change_data_feed: true } }],
  ['partitions', { partition_columns: ['v'] }],
  ['a Parquet folder', { output_format: 'parquet' }],
]

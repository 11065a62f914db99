import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createIngest, type Ingest, type RunOptions, type RunReport, type TrackedFile } from 'ingestd'
import { onTestFinished } from 'vitest'
import { list, query } from './engine.ts'
import { removeFolder } from './keep.ts'
import { activeFiles } from './project.ts'

/** A landing folder and its tables, loaded through the library; removed when the test ends. */
export class Landing {
  readonly folder = mkdtempSync(join(tmpdir(), 'ingestd-landing-'))
  readonly config: Record<string, unknown>

  constructor(table: Record<string, unknown>, config: Record<string, unknown> = {}) {
    this.config = {
      raw_data_path: this.path('landing'),
      processed_data_path: this.path('tables'),
      checkpoint_path: this.path('state'),
      max_parallel_jobs: 1,
      ...config,
      tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 }, ...table }],
    }
    onTestFinished(() => removeFolder(this.folder))
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  get table(): string {
    return this.path('tables/default/t')
  }

  /** Lands a file; `second` sets its modified time, so that the order of files is known. */
  land(name: string, content: string | Uint8Array, second?: number): string {
    const path = this.path('landing', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    if (second !== undefined) utimesSync(path, 1_700_000_000 + second, 1_700_000_000 + second)
    return path
  }

  /** One call of the library with the given changes of the table's config. */
  async use<T>(work: (ingest: Ingest) => Promise<T>, changes: Record<string, unknown> = {}): Promise<T> {
    const [table] = this.config['tables'] as Record<string, unknown>[]
    await using ingest = await createIngest({ config: { ...this.config, tables: [{ ...table, ...changes }] } })
    return await work(ingest)
  }

  run(options: RunOptions = {}, changes: Record<string, unknown> = {}): Promise<RunReport> {
    return this.use((ingest) => ingest.run(options), changes)
  }

  files(): Promise<readonly TrackedFile[]> {
    return this.use(async (ingest) => {
      const files: TrackedFile[] = []
      for await (const file of ingest.files()) files.push(file)
      return files
    })
  }

  /** `name status` of each tracked file. */
  async states(): Promise<readonly string[]> {
    return (await this.files()).map((file) => `${file.file_path.slice(this.path('landing').length + 1)} ${file.status}`)
  }

  /** Rows of the current version, read from the data files that the log lists, without the product. */
  async rows(columns = '* exclude (_load_timestamp, _source_file, _batch_id)'): Promise<readonly Record<string, unknown>[]> {
    const files = activeFiles(this.table)
    if (files.length === 0) return []
    return query(
      `select ${columns} from read_parquet(${list(files)}, union_by_name = true, hive_partitioning = true, hive_types_autocast = false) order by all`,
    )
  }
}

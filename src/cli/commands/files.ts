import { Command, Option } from 'commander'
import type { FileStatus } from '../../model/file.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { positive, tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { printRows } from '../report/blocks.ts'
import { statusColor, tableStyle } from '../report/style.ts'
import { bytes, count } from '../text/numbers.ts'
import type { TableColumn } from '../text/table.ts'
import type { TrackedFile } from '../tracked-file.ts'

const STATUSES: readonly FileStatus[] = ['pending', 'processing', 'completed', 'failed', 'skipped']

interface FilesOptions {
  readonly status?: FileStatus
  readonly tables?: readonly string[]
  readonly limit?: number
}

export function filesCommand(frame: Frame): Command {
  return new Command('files')
    .description('the files that the tracker knows, with their state')
    .addOption(new Option('--status <status>', 'only files in this state').choices(STATUSES))
    .addOption(tablesOption('only these tables'))
    .addOption(new Option('--limit <n>', 'at most so many').argParser(positive))
    .action(
      frame.handle(async (cli, options: FilesOptions) => {
        await using ingest = await openIngest(cli)
        const files = ingest.files(options)
        const { output } = cli
        if (output.json) await output.array(files)
        else await printFiles(files, cli.output)
        return EXIT.ok
      }),
    )
}

const COLUMNS: readonly TableColumn[] = [
  { head: 'STATUS' },
  { head: 'TABLE' },
  { head: 'ROWS', align: 'right' },
  { head: 'REJECTED', align: 'right', spare: true },
  { head: 'SIZE', align: 'right' },
  { head: 'UPDATED' },
  { head: 'FILE' },
  { head: 'WHY' },
]

async function printFiles(files: AsyncIterable<TrackedFile>, output: Parameters<typeof printRows>[0]): Promise<void> {
  const style = tableStyle(output.colors, (padded, raw, column) => (column === 0 ? statusColor(output.colors, raw)(padded) : padded))
  await printRows(output, COLUMNS, rowsOf(files), style)
}

async function* rowsOf(files: AsyncIterable<TrackedFile>): AsyncIterable<readonly string[]> {
  for await (const file of files) {
    yield [
      file.status,
      file.table_name,
      file.rows_loaded === null ? '' : count(file.rows_loaded),
      file.rows_rejected === null ? '' : count(file.rows_rejected),
      bytes(file.file_size),
      file.updated_at,
      file.file_path,
      whyOf(file),
    ]
  }
}

/** What keeps a file from being loaded, in short; `ingest explain FILE` has the whole of it. */
function whyOf(file: TrackedFile): string {
  if (file.status === 'failed') return file.error_code ?? file.error_message ?? ''
  return file.held_reason ?? file.status_reason ?? ''
}

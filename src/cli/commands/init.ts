import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { initFiles } from '../project/init-files.ts'
import { shellWord } from '../project/shell-word.ts'
import { printable } from '../text/printable.ts'

interface InitOptions {
  readonly force?: true
  readonly tablesDir: string
}

export function initCommand(frame: Frame): Command {
  return new Command('init')
    .description('a project with a config, table files and sample data that runs at once')
    .argument('<dir>', 'its folder; made when it is not there')
    .addOption(new Option('--force', 'replace an ingest.yaml that is there'))
    .addOption(new Option('--tables-dir <name>', 'folder of the table files').argParser(folderName).default('tables'))
    .action(
      frame.handle(async (cli, dir: string, options: InitOptions) => {
        const { configJsonSchema } = await import('../../config/json-schema.ts')
        const { writeProject } = await import('../../app/write-project.ts')
        const folder = resolve(dir)
        const files = initFiles(options.tablesDir, configJsonSchema())
        await writeProject(folder, files, options.force === true)
        const { output } = cli
        if (output.json) await output.document({ folder, files: files.map((file) => file.path) })
        else
          await output.line(
            nextSteps(
              folder,
              dir,
              files.map((file) => file.path),
            ),
          )
        return EXIT.ok
      }),
    )
}

/** Names that cannot lead out of the project, nor into the folders that it has anyway. */
function folderName(value: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(value))
    throw new InvalidArgumentError('It must be a plain folder name of letters, digits, - and _.')
  if (['landing', 'lakehouse', 'state'].includes(value)) throw new InvalidArgumentError(`The project has another folder ${value}.`)
  return value
}

function nextSteps(folder: string, dir: string, paths: readonly string[]): string {
  return [
    `Made a project in ${printable(folder)}:`,
    ...paths.map((path) => `  ${path}`),
    '',
    'Next:',
    `  cd ${printable(shellWord(dir))}`,
    '  ingest run                   # loads the sample files',
    '  ingest status                # what was loaded',
    '  ingest query "SELECT country, count(*) AS customers FROM analytics.customers GROUP BY ALL"',
    '  ingest run                   # again: nothing is loaded twice',
  ].join('\n')
}

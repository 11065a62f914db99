import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { printable } from '../text/printable.ts'

interface ExampleOptions {
  readonly output?: string
  readonly force?: true
}

export function createExampleConfigCommand(frame: Frame): Command {
  return new Command('create-example-config')
    .description('a config with every key explained')
    .addOption(new Option('--output <file>', 'write it to a file instead of stdout'))
    .addOption(new Option('--force', 'replace the file'))
    .action(
      frame.handle(async (cli, options: ExampleOptions) => {
        const { exampleConfig } = await import('../../config/example.ts')
        const text = exampleConfig()
        const { output } = cli
        if (options.output === undefined) {
          if (output.json) await output.document({ config: text })
          else await output.write(text)
          return EXIT.ok
        }
        const { writeNewFile } = await import('../../app/write-project.ts')
        const file = resolve(options.output)
        await writeNewFile(file, text, options.force === true)
        if (output.json) await output.document({ file })
        else await output.line(`Wrote ${printable(file)}`)
        return EXIT.ok
      }),
    )
}

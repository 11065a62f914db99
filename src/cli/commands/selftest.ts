import { Command, Option } from 'commander'
import type { Guarantee } from '../../app/selftest.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Cli, Frame } from '../frame.ts'
import { printable } from '../text/printable.ts'

interface SelftestOptions {
  readonly storage: string
  readonly connection?: string
  readonly crash?: true
}

export function selftestCommand(frame: Frame): Command {
  return new Command('selftest')
    .description('try a folder, bucket or container with what tables rest on, in a folder of its own that is removed again')
    .addOption(new Option('--storage <place>', 'a folder, or s3://…, abfss://…, az://…').makeOptionMandatory())
    .addOption(new Option('--connection <name>', 'the connection of the config; the only one that fits without it'))
    .addOption(new Option('--crash', 'kill loads at each of their steps, and load beside other work'))
    .action(
      frame.handleGracefully(async (cli, options: SelftestOptions) => {
        const [, main] = process.argv
        if (main === undefined || options.storage === '') throw usageError('--storage needs a place', 'ingest selftest --help')
        const { selftest } = await import('../../app/selftest.ts')
        const { config: file, configJson: text } = cli.options
        const report = await selftest(
          {
            storage: options.storage,
            connection: options.connection ?? null,
            crash: options.crash === true,
            program: [process.execPath, main],
            config: { file, text },
            signal: cli.signal,
          },
          (one) => print(one, cli),
        )
        if (cli.output.json) await cli.output.document(report)
        else
          await cli.output.line(
            report.ok ? `All of it holds at ${printable(report.storage)}.` : `${printable(report.storage)} can have no tables.`,
          )
        return report.ok ? EXIT.ok : EXIT.failed
      }),
    )
}

async function print({ name, holds, detail }: Guarantee, { output }: Cli): Promise<void> {
  if (output.json) return
  await output.line(`${holds ? output.colors.green('holds ') : output.colors.red('BROKEN')}  ${name}: ${printable(detail)}`)
}

import { Command, Option } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'

export function demoCommand(frame: Frame): Command {
  return new Command('demo')
    .description('the main job on sample files: load, explain a broken file, query, and load nothing twice')
    .argument('[dir]', 'folder for the project, which stays; a temporary one when left out')
    .addOption(new Option('--keep', 'keep the temporary folder'))
    .action(
      frame.handleGracefully(async (cli, dir: string | undefined, options: { readonly keep?: true }) => {
        const { demo } = await import('../project/demo.ts')
        return (await demo(cli, dir, options.keep === true)) ? EXIT.ok : EXIT.failed
      }),
    )
}

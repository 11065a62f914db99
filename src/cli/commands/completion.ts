import { Argument, Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** The script of a shell asks the hidden command `complete` for what may come next. */
export function completionCommand(frame: Frame): Command {
  return new Command('completion')
    .description('print a script that makes a shell complete commands, options, tables and files')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', '\nbash: eval "$(ingest completion bash)" in ~/.bashrc; docs/completion.md has the others')
    .action(
      frame.handle(async (cli, shell: (typeof SHELLS)[number]) => {
        const { scriptOf } = await import('../completion/scripts.ts')
        await cli.output.write(await scriptOf(shell))
        return EXIT.ok
      }),
    )
}

/** Not for people, so not in the help. `program` makes the program that words are completed for. */
export function completeCommand(frame: Frame, program: () => Command): Command {
  return new Command('complete')
    .description('what may come next, for the scripts of `ingest completion`')
    .argument('[words...]', 'what is typed after `ingest`')
    .action(
      frame.handle(async (cli, words: readonly string[]) => {
        const { suggestions } = await import('../completion/suggestions.ts')
        await cli.output.write(await suggestions(words, program()))
        return EXIT.ok
      }),
    )
}

import { Command, CommanderError } from 'commander'
import { packageVersion } from '../lib/version.ts'
import { approveCommand } from './commands/approve.ts'
import { checkCommand } from './commands/check.ts'
import { completeCommand, completionCommand } from './commands/completion.ts'
import { createExampleConfigCommand } from './commands/create-example-config.ts'
import { daemonCommand } from './commands/daemon.ts'
import { demoCommand } from './commands/demo.ts'
import { explainCommand } from './commands/explain.ts'
import { filesCommand } from './commands/files.ts'
import { historyCommand } from './commands/history.ts'
import { initCommand } from './commands/init.ts'
import { optimizeCommand } from './commands/optimize.ts'
import { pauseCommand, resumeCommand } from './commands/pause.ts'
import { quarantineCommand } from './commands/quarantine.ts'
import { queryCommand } from './commands/query.ts'
import { replayCommand } from './commands/replay.ts'
import { restoreCommand } from './commands/restore.ts'
import { retryCommand } from './commands/retry.ts'
import { runCommand } from './commands/run.ts'
import { schemaCommand } from './commands/schema.ts'
import { selftestCommand } from './commands/selftest.ts'
import { skipCommand } from './commands/skip.ts'
import { statusCommand } from './commands/status.ts'
import { trackerCommand } from './commands/tracker.ts'
import { unloadCommand } from './commands/unload.ts'
import { vacuumCommand } from './commands/vacuum.ts'
import { validateCommand } from './commands/validate.ts'
import { verifyCommand } from './commands/verify.ts'
import { EXIT, type ExitCode, exitCodeOfError } from './exit-codes.ts'
import { printFailure, usageError } from './failure.ts'
import { Frame, outputOf } from './frame.ts'
import { addGlobalOptions } from './global-options.ts'

/** The commands in the order of `--help`: one line each. */
const COMMANDS = [
  initCommand,
  createExampleConfigCommand,
  checkCommand,
  runCommand,
  daemonCommand,
  statusCommand,
  filesCommand,
  explainCommand,
  retryCommand,
  skipCommand,
  approveCommand,
  replayCommand,
  unloadCommand,
  pauseCommand,
  resumeCommand,
  quarantineCommand,
  historyCommand,
  queryCommand,
  optimizeCommand,
  vacuumCommand,
  restoreCommand,
  validateCommand,
  verifyCommand,
  selftestCommand,
  trackerCommand,
  schemaCommand,
  completionCommand,
  demoCommand,
]

/** Runs one command line (`process.argv`) and returns its exit code. */
export async function runCli(argv: readonly string[]): Promise<ExitCode> {
  const frame = new Frame()
  try {
    await programOf(frame, argv).parseAsync([...argv])
    return frame.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    // Commander has printed the help already: the command line named no command.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    // The options were not understood, so that these two are looked for by hand.
    await printFailure(error, outputOf({ ...(argv.includes('--json') ? { json: true } : {}), color: !argv.includes('--no-color') }))
    return exitCodeOfError(error)
  }
}

function programOf(frame: Frame, argv: readonly string[]): Command {
  const program = new Command('ingest')
    .description('Turns files landing in folders into Delta Lake tables, each file exactly once.')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
  addGlobalOptions(program)
  throwUsageErrors(program)
  const commands = COMMANDS.map((build) => build(frame))
  const [named] = argv.flatMap((word) => commands.find((command) => command.name() === word) ?? [])
  // Options of the program are taken wherever they stand: `--version` of a command would never reach it.
  if (named?.options.every(({ long }) => long !== '--version') ?? true) program.version(packageVersion(), '--version', 'print the version')
  for (const command of commands) program.addCommand(settled(command, program))
  if (argv[2] === COMPLETE) program.addCommand(settled(completeCommand(frame, completed), program), { hidden: true })
  return program
}

/** What the shells' scripts call. */
const COMPLETE = 'complete'

/** The program as it is completed: the library adds commands of its own for these. */
function completed(): Command {
  const program = addGlobalOptions(new Command('ingest'))
  for (const build of COMMANDS) if (build !== completionCommand) program.addCommand(build(new Frame()))
  return program
}

/** A command and those below it behave as the program does. */
function settled(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  throwUsageErrors(command)
  for (const inner of command.commands) settled(inner, command)
  return command
}

/** Commander would print and exit by itself; as an error of ours a wrong command line looks like every other. */
function throwUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error
    throw usageError(error.message.replace(/^error: /, '').replaceAll(/\n+/g, ' '), `${pathOf(command)} --help`)
  })
}

/** `ingest quarantine list` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

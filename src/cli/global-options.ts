import { type Command, InvalidArgumentError, Option } from 'commander'
import { usageError } from './failure.ts'

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly config?: string
  readonly configJson?: string
  readonly var?: readonly string[]
  readonly logLevel?: string
  readonly json?: true
  readonly color: boolean
}

const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']

export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(new Option('-c, --config <file>', 'config file (default: ingest.yaml)').env('INGEST_CONFIG'))
    .option('--config-json <text>', 'the config itself, as YAML or JSON')
    .addOption(new Option('--var <key=value>', 'set a key of the config for this command; repeatable').argParser(override))
    .addOption(new Option('--log-level <level>', `${LOG_LEVELS.join(', ')}`).argParser(logLevel))
    .option('--json', 'print one JSON document')
    .option('--no-color', 'no colours')
}

/** The options of a command, with those that contradict each other refused. */
export function globalOptionsOf(command: Command): GlobalOptions {
  const options = command.optsWithGlobals<GlobalOptions>()
  const fromCommandLine = programOf(command).getOptionValueSource('config') === 'cli'
  if (options.configJson !== undefined && fromCommandLine) {
    throw usageError('--config and --config-json cannot be used together', 'give one of them')
  }
  return options
}

function programOf(command: Command): Command {
  return command.parent === null ? command : programOf(command.parent)
}

function override(value: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=\s]+=/.test(value))
    throw new InvalidArgumentError('It must be key=value, as max_parallel_jobs=2 or tables.orders.file_format=csv.')
  return [...before, value]
}

function logLevel(value: string): string {
  const level = value.toUpperCase()
  if (!LOG_LEVELS.includes(level)) throw new InvalidArgumentError(`It must be one of ${LOG_LEVELS.join(', ')}.`)
  return level
}

/** `--tables a,b --tables c` */
export function tablesOption(description: string): Option {
  return new Option('--tables <names>', `${description}; with commas, or repeated`).argParser(namesOf('table'))
}

/** Names with commas between them, of an option that may be repeated. */
export function namesOf(noun: string): (value: string, before: readonly string[] | undefined) => readonly string[] {
  return (value, before) => {
    const given = value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    if (given.length === 0) throw new InvalidArgumentError(`It must name a ${noun}.`)
    return [...(before ?? []), ...given]
  }
}

/** A whole number from 1. */
export function positive(value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < 1 || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It must be a whole number from 1.')
  return number
}

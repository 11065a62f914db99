import type { Command } from 'commander'
import { IngestError, UnavailableError } from '../errors/errors.ts'
import { EXIT, type ExitCode, exitCodeOfError } from './exit-codes.ts'
import { printFailure } from './failure.ts'
import { type GlobalOptions, globalOptionsOf } from './global-options.ts'
import { Interrupt } from './interrupt.ts'
import { Output } from './output.ts'

/** What a command works with. */
export interface Cli {
  readonly output: Output
  readonly options: GlobalOptions
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

export type Handler<Args extends readonly unknown[]> = (cli: Cli, ...args: Args) => Promise<ExitCode>

/** Between commander and the handlers: builds what a handler needs, and turns how it ends into an exit code. */
export class Frame {
  exitCode: ExitCode = EXIT.ok

  /** For commands that only read, or whose change is one transaction: a signal ends them at once. */
  handle<Args extends readonly unknown[]>(handler: Handler<Args>): (this: Command, ...args: Args) => Promise<void> {
    return this.#action(handler, 'at once')
  }

  /** For commands that have work in flight: the first signal asks them to stop, the second ends them. */
  handleGracefully<Args extends readonly unknown[]>(handler: Handler<Args>): (this: Command, ...args: Args) => Promise<void> {
    return this.#action(handler, 'gracefully')
  }

  /** The same for what runs until it is told to stop: SIGTERM is its end, and no interruption. */
  handleService<Args extends readonly unknown[]>(handler: Handler<Args>): (this: Command, ...args: Args) => Promise<void> {
    return this.#action(handler, 'gracefully', 'SIGTERM')
  }

  #action<Args extends readonly unknown[]>(handler: Handler<Args>, stop: 'at once' | 'gracefully', end?: NodeJS.Signals) {
    const ended = (code: ExitCode) => {
      this.exitCode = code
    }
    return async function (this: Command, ...args: Args): Promise<void> {
      ended(await runHandler(this, { stop, end }, (cli) => handler(cli, ...args)))
    }
  }
}

interface Stop {
  readonly stop: 'at once' | 'gracefully'
  /** The signal that the command ends by, as its caller wants it to. */
  readonly end: NodeJS.Signals | undefined
}

async function runHandler(command: Command, { stop, end }: Stop, work: (cli: Cli) => Promise<ExitCode>): Promise<ExitCode> {
  const options = globalOptionsOf(command)
  const output = outputOf(options)
  using interrupt = new Interrupt(stop)
  try {
    const code = await work({ output, options, signal: interrupt.signal })
    return interrupt.signal.aborted && interrupt.first !== end ? EXIT.interrupted : code
  } catch (thrown) {
    const error = firstError(thrown)
    if (!interrupt.signal.aborted || interrupt.first === end) return await failed(error, output)
    await printFailure(wasInterrupted(error), output)
    return EXIT.interrupted
  }
}

/** What failed first: closing what was open may fail for the same reason once more, and would hide it. */
function firstError(error: unknown): unknown {
  // By name, since the class is no part of every Node that the command runs on.
  if (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error) return firstError(error.suppressed)
  return error
}

/** Whatever a stop made fail, the user asked for it; an error of ours still tells what happened. */
function wasInterrupted(error: unknown): unknown {
  if (error instanceof IngestError && error.code !== 'ING-BUG') return error
  return new UnavailableError('ING-INTERRUPTED', 'stopped by a signal', { cause: error })
}

async function failed(error: unknown, output: Output): Promise<ExitCode> {
  await printFailure(error, output)
  return exitCodeOfError(error)
}

export function outputOf(options: Pick<GlobalOptions, 'json' | 'color'>): Output {
  return new Output({ stdout: process.stdout, stderr: process.stderr, json: options.json === true, color: options.color, env: process.env })
}

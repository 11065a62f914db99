import { prepareChild } from '../engine/child.ts'
import { workerEntry } from './places.ts'

/** Starts a load process for a command line that will need one: it loads its modules while this process loads its own. */
export function startEarly(args: readonly string[]): void {
  // Words that a shell completes are no command.
  if (args[2] === 'complete') return
  if (args.includes('run') || args.includes('daemon')) prepareChild(workerEntry())
}

import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { usageError } from './failure.ts'
import type { Cli } from './frame.ts'
import { printableLines } from './text/printable.ts'

/** Asks on the terminal; ConfigError `ING-USAGE` where there is nobody to ask. */
export async function confirmed(
  question: string,
  { output, signal }: Cli,
  effect = '--full-drop replaces all rows of the tables',
): Promise<boolean> {
  if (output.json || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw usageError(`${effect}, and there is no terminal to ask on`, 'add --yes')
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  // The prompt takes Ctrl-C for itself, and would leave the question unanswered for ever, as at Ctrl-D.
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const closed = once(prompt, 'close').then(() => '')
    const answer = await Promise.race([prompt.question(`${printableLines(question)} [y/N] `, { signal }), closed])
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) output.note('Nothing was changed.')
    return yes
  } finally {
    prompt.close()
  }
}

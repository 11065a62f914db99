/*
 * The command line in a process that stays: `{ args }` → `{ code }`, with what it prints on stdout and stderr, and a mark behind each.
 * A process of Node takes longer to start than most commands to do their work.
 */
import { runCli } from '../../build/cli/program.js'

const END = '\u0000end\u0000'

process.on('disconnect', () => process.exit(0))
process.on('message', async ({ args }) => {
  const code = await runCli(['node', 'ingest', ...args])
  // Pipes are written to at once, so the marks are the last.
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write(END, resolve))
  process.send({ code })
})

import { startEarly } from './app/start-early.ts'

startEarly(process.argv)
void import('./cli/program.ts').then(async ({ runCli }) => {
  // Set rather than exited with: stdout may still be draining into a slow pipe.
  process.exitCode = await runCli(process.argv)
})

#!/usr/bin/env node
import { startEarly } from './app/start-early.ts'

startEarly(process.argv)
const { runCli } = await import('./cli/program.ts')

// Set rather than exited with: stdout may still be draining into a slow pipe.
process.exitCode = await runCli(process.argv)

#!/usr/bin/env node
import { runCli } from './cli/program.ts'

// Set rather than exited with: stdout may still be draining into a slow pipe.
process.exitCode = await runCli(process.argv)

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Checks what a user would install: the packed tarball, its exports (publint) and its types (attw). dist is built before. */
const folder = mkdtempSync(join(tmpdir(), 'ingest-pack-'))
const run = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
try {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const tarball = join(folder, readdirSync(folder)[0] ?? '')
  run('npx', ['publint', 'run', tarball, '--strict'])
  // The package is ESM alone, which is no finding: every supported Node can require() it or import it.
  run('npx', ['attw', tarball, '--profile', 'esm-only'])
} catch (error) {
  console.error(`the package is not fit to publish: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesWithS3, missingS3 } from './missing.ts'

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'setup')

/** Servers that a machine has not what to run with are left out, and their tests too (`missing.ts`). */
const LEFT_OUT = 3

/** Installs the servers into a folder of the user's cache, unless the environment names them. What is installed is used again. */
export function setup(): void {
  const reason = missingS3()
  if (reason !== undefined) process.stdout.write(`skipped: ${filesWithS3().join(', ')}: ${reason}\n`)
  if (process.env['INGEST_TEST_S3PROXY'] !== undefined && process.env['INGEST_TEST_AZURITE'] !== undefined) return
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ingestd-services')
  mkdirSync(folder, { recursive: true })
  const { status } = spawnSync(SCRIPT, [folder], { stdio: 'inherit' })
  if (status !== 0 && status !== LEFT_OUT) throw new Error(`${SCRIPT} ${folder} failed`)
  for (const [, name, value] of readFileSync(join(folder, 'env'), 'utf8').matchAll(/^export (\w+)=(.*)$/gm))
    if (name !== undefined && value !== undefined) process.env[name] ??= value
}

import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const FOLDER = import.meta.dirname

/** Why no S3 server can run here, with what to type; undefined when one can. */
export function missingS3(): string | undefined {
  const env = process.env
  if (env['INGEST_TEST_VERSITYGW'] !== undefined) return undefined
  const needed = env['INGEST_TEST_S3PROXY'] === undefined ? ['java', 'mvn'] : ['java']
  const lacking = needed.filter((program) => !isThere(program))
  if (lacking.length === 0) return undefined
  const other = 'WITH=versitygw test/services/setup FOLDER && . FOLDER/env (it needs go)'
  return `no ${lacking.join(', no ')}: the S3 server needs Java 17 and Maven; with them, or after ${other}, run: npm run test:services`
}

/** Test files that start an S3 server. */
export function filesWithS3(): readonly string[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts'))
  return files
    .filter((name) => /\b(startS3|openPlace)\b/.test(readFileSync(join(FOLDER, name), 'utf8')))
    .map((name) => `test/services/${name}`)
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

import { execFileSync } from 'node:child_process'

/** Builds dist before tests that spawn the command or import the package by its name. */
export default function build(): void {
  if (process.env['INGEST_TEST_NO_BUILD'] !== '1') execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' })
}

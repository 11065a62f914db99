import { readFileSync } from 'node:fs'

/** Prints `passed failed skipped` of a vitest JSON report. A run that ended badly without a failed test counts as one failure. */
const [file, exitCode] = process.argv.slice(2)
const report = read(file)
const suites = report?.testResults ?? []
// A file that does not load has no test to count; it must not vanish from the sum.
const broken = suites.filter(
  (suite) => suite.status === 'failed' && suite.assertionResults.every((test) => test.status !== 'failed'),
).length
const failed = (report?.numFailedTests ?? 0) + broken
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
const unexplained = failed === 0 && (exitCode !== '0' || report === undefined) ? 1 : 0
console.log(report?.numPassedTests ?? 0, failed + unexplained, skipped)

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // No report means that vitest did not get as far as a first test.
    return undefined
  }
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/**
 * What a reader of the last lines alone has to know: each failed test with the first lines of its error, the end of the log of each stage
 * that failed without one, and the slowest test files. `report.mjs FOLDER` reads what the stages left there: NAME.json, NAME.log, NAME.code.
 */
const folder = process.argv[2]
const stages = readdirSync(folder)
  .filter((file) => file.endsWith('.code'))
  .map((file) => file.slice(0, -'.code'.length))
const reports = new Map(stages.map((stage) => [stage, suitesOf(stage)]))

for (const [stage, suites] of reports) {
  const failures = suites.flatMap((suite) => failuresOf(suite))
  for (const failure of failures.slice(0, 30)) console.log(`FAILED ${stage} ${failure}`)
  if (failures.length > 30) console.log(`FAILED ${stage} and ${failures.length - 30} more`)
  const code = textOf(`${stage}.code`).trim()
  if (failures.length === 0 && code !== '0' && code !== '3')
    console.log(`FAILED ${stage} exit ${code}\n${ending(textOf(`${stage}.log`), 25)}`)
}
console.log('\nslowest test files')
for (const line of slowest()) console.log(line)

function suitesOf(stage) {
  const text = textOf(`${stage}.json`)
  try {
    return JSON.parse(text).testResults
  } catch {
    // No report, or half of one, means that vitest did not get to its end: the log tells.
    return []
  }
}

/** A file that could not be collected has a message and no failed test. */
function failuresOf({ name, message, status, assertionResults }) {
  const file = relative(process.cwd(), name)
  const tests = assertionResults.filter((test) => test.status === 'failed')
  if (tests.length === 0) return status === 'failed' ? [`${file}\n${beginning(message)}`] : []
  return tests.map((test) => `${file} > ${test.fullName.trim()}\n${beginning(test.failureMessages.join('\n'))}`)
}

function slowest() {
  return [...reports]
    .flatMap(([stage, suites]) => suites.map(({ name, startTime, endTime }) => ({ stage, name, ms: endTime - startTime })))
    .sort((one, other) => other.ms - one.ms)
    .slice(0, 15)
    .map(({ stage, name, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${stage}  ${relative(process.cwd(), name)}`)
}

function beginning(text) {
  const lines = text.split('\n').filter((line) => !/^ +at .*node_modules/.test(line))
  return indented(lines.slice(0, 8))
}

function ending(text, lines) {
  return indented(text.trimEnd().split('\n').slice(-lines))
}

function indented(lines) {
  return lines.map((line) => `    ${stripVTControlCharacters(line).slice(0, 300)}`).join('\n')
}

function textOf(file) {
  const path = join(folder, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

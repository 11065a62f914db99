import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/*
 * What a reader of the last lines alone has to know: each failed test with the first lines of its error, the end of the log of each stage
 * that failed without one, the slowest test files, the seconds of each stage, and the sum. `report.mjs FOLDER SECONDS` reads what the stages
 * left there: NAME.code, NAME.time, NAME.log, and of vitest NAME.json.
 */
const [folder, total] = process.argv.slice(2)
const FAILURES = 30
const stages = readdirSync(folder)
  .filter((file) => file.endsWith('.code'))
  .map((file) => stageOf(file.slice(0, -'.code'.length)))
  .sort((one, other) => one.began - other.began)

for (const { name, failures, code } of stages) {
  for (const failure of failures.slice(0, FAILURES)) console.log(`FAILED ${name} ${failure}`)
  if (failures.length > FAILURES) console.log(`FAILED ${name} and ${failures.length - FAILURES} more`)
  if (failures.length === 0 && hasFailed(code)) console.log(`FAILED ${name} exit ${code}\n${lastLines(textOf(`${name}.log`))}`)
}
console.log('\nslowest test files')
for (const line of slowestFiles()) console.log(line)
console.log('\nstage        began   real  user+sys of what it waited for')
for (const { name, began, real, cpu, code } of stages)
  console.log(`${name.padEnd(10)} ${seconds(began)} ${seconds(real)} ${seconds(cpu)}  exit ${code}`)
console.log(`total             ${seconds(Number(total))}`)
const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((kind) => stages.reduce((sum, stage) => sum + stage[kind], 0))
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1

function stageOf(name) {
  const code = textOf(`${name}.code`).trim()
  const [began = 0, real = 0, user = 0, sys = 0] = textOf(`${name}.time`).split(/\s+/).map(Number)
  const stage = { name, code, began, real, cpu: user + sys, suites: [], failures: [] }
  // A stage that is no suite counts as one.
  if (!existsSync(join(folder, `${name}.json`)))
    return { ...stage, passed: Number(code === '0'), failed: Number(hasFailed(code)), skipped: Number(code === '3') }
  const report = reportOf(name)
  const suites = report?.testResults ?? []
  const failures = suites.flatMap((suite) => failuresOf(suite))
  // A run that ended badly without a failed test counts as one failure.
  const unexplained = failures.length === 0 && (code !== '0' || report === undefined) ? 1 : 0
  const left = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  return { ...stage, suites, failures, passed: report?.numPassedTests ?? 0, failed: failures.length + unexplained, skipped: left }
}

function hasFailed(code) {
  return code !== '0' && code !== '3'
}

function reportOf(name) {
  try {
    return JSON.parse(textOf(`${name}.json`))
  } catch {
    // No report, or half of one, means that vitest did not get to its end: the log tells.
    return undefined
  }
}

/** A file that could not be collected has a message and no failed test; it must not vanish from the sum. */
function failuresOf({ name, message, status, assertionResults }) {
  const file = relative(process.cwd(), name)
  const tests = assertionResults.filter((test) => test.status === 'failed')
  if (tests.length === 0) return status === 'failed' ? [`${file}\n${firstLines(message)}`] : []
  return tests.map((test) => `${file} > ${test.fullName.trim()}\n${firstLines(test.failureMessages.join('\n'))}`)
}

function slowestFiles() {
  return stages
    .flatMap((stage) => stage.suites.map(({ name, startTime, endTime }) => ({ stage, file: name, took: (endTime - startTime) / 1000 })))
    .sort((one, other) => other.took - one.took)
    .slice(0, 15)
    .map(({ stage, file, took }) => `${seconds(took)}  ${stage.name}  ${relative(process.cwd(), file)}`)
}

function seconds(number) {
  return `${number.toFixed(0).padStart(5)} s`
}

function firstLines(text) {
  return indented(text.split('\n').filter((line) => !/^ +at .*node_modules/.test(line)))
    .slice(0, 8)
    .join('\n')
}

function lastLines(text) {
  return indented(text.trimEnd().split('\n')).slice(-25).join('\n')
}

function indented(lines) {
  return lines.map((line) => `    ${stripVTControlCharacters(line).slice(0, 300)}`)
}

function textOf(file) {
  const path = join(folder, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

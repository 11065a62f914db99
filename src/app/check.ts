import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { reportOf } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { CheckReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { LoadWorker } from '../pipeline/protocol.ts'
import { loadStrategy } from '../strategies/registry.ts'
import { propertiesWithoutEffect } from './check-properties.ts'
import { checkRemoteSource, checkRemoteTarget } from './check-storage.ts'
import { listerOf } from './listers.ts'
import { shownTracker, trackerPlace } from './tracker-options.ts'

type Check = CheckReport['checks'][number]

interface Around {
  readonly config: ResolvedConfig
  readonly worker: LoadWorker
  readonly trackerId: string
  readonly clock: Clock
}

/** Config, paths and tables: what works, and for what does not, what to do. Changes nothing. */
export async function checkAll(
  config: ResolvedConfig,
  worker: LoadWorker,
  tracker: { readonly id: string; readonly problem: unknown },
  clock: Clock,
): Promise<CheckReport> {
  const checks: Check[] = [
    passed('config', config.file ?? 'inline', config.tables.length === 1 ? '1 table' : `${config.tables.length} tables`),
  ]
  checks.push(await writable('state', config.checkpointPath))
  if (config.trackerUrl !== null || tracker.problem !== undefined) checks.push(await trackerCheck(config, tracker.problem))
  for (const table of config.tables) checks.push(...(await checkTable(table, { config, worker, trackerId: tracker.id, clock })))
  return { ok: checks.every((check) => check.ok), checks }
}

async function trackerCheck(config: ResolvedConfig, problem: unknown): Promise<Check> {
  const subject = shownTracker(trackerPlace(config))
  return attempt('tracker', subject, async () => {
    if (problem !== undefined) throw problem
    return passed('tracker', subject, 'it can be reached and used')
  })
}

async function checkTable(table: TableConfig, { config, worker, trackerId, clock }: Around): Promise<readonly Check[]> {
  if (table.unsupported.length > 0) return table.unsupported.map(({ message, hint }) => failed('config', table.name, message, hint))
  const landing = await checkRemoteSource(table)
  const home = await checkRemoteTarget(table)
  return [
    await strategyOf(table),
    ...landing.checks,
    ...(landing.ok ? [await source(table, clock)] : []),
    ...home.checks,
    ...(table.storage.target === null ? [await writable('target', table.targetPath, table.name)] : []),
    ...(home.ok ? [await target(table, worker, trackerId), ...(await log(table, worker))] : []),
    ...(table.expectations.length === 0 ? [] : [await expectations(table, worker)]),
    ...(Object.keys(table.tableProperties).length === 0 ? [] : [await properties(table, config)]),
  ]
}

async function strategyOf(table: TableConfig): Promise<Check> {
  return attempt('strategy', table.name, async () => {
    const problems = (await loadStrategy(table.strategy)).validate?.(table) ?? []
    return problems.length === 0
      ? passed('strategy', table.name, table.strategy)
      : failed('strategy', table.name, problems.join('; '), null)
  })
}

/** Whether the pattern finds files; the first page is enough to tell. */
async function source(table: TableConfig, clock: Clock): Promise<Check> {
  return attempt('source', table.name, async () => {
    for await (const page of listerOf(table, clock).pages(new AbortController().signal)) {
      const [problem] = page.problems
      if (problem) return failed('source', table.name, problem.message, problem.hint ?? null)
      const found = page.files.length + page.waiting.length
      if (found > 0)
        return passed('source', table.name, `${found === 1 ? '1 file matches' : `${found} files match`} ${table.sourcePattern}`)
    }
    return passed('source', table.name, `no file matches ${table.sourcePattern} yet`)
  })
}

async function target(table: TableConfig, worker: LoadWorker, trackerId: string): Promise<Check> {
  return attempt('table', table.name, async () => {
    const { exists, version } = await worker.inspect(table, trackerId, null)
    return passed('table', table.name, exists ? `version ${version} at ${table.targetPath}` : `will be created at ${table.targetPath}`)
  })
}

/** Says nothing of a log that is as it should be, or that cannot be read: that is told already. */
async function log(table: TableConfig, worker: LoadWorker): Promise<readonly Check[]> {
  const twice = await worker.removedTwice(table).catch(() => [])
  const hint = 'go back to the version before it with `ingest restore`, and let one tool alone compact the table (docs/concurrency.md)'
  return twice.map(({ version, files, operation, engine }) => {
    const what = [operation, engine === null ? '' : `by ${engine}`].filter(Boolean).join(' ')
    const problem = `version ${version}${what === '' ? '' : ` (${what})`} replaced ${files === 1 ? 'a file' : `${files} files`} that had been replaced before: their rows are there twice`
    return failed('log', table.name, problem, hint)
  })
}

async function expectations(table: TableConfig, worker: LoadWorker): Promise<Check> {
  return attempt('expectations', table.name, async () => {
    await worker.checkExpectations(table)
    return passed('expectations', table.name, table.expectations.map(({ name }) => name).join(', '))
  })
}

async function properties(table: TableConfig, config: ResolvedConfig): Promise<Check> {
  return attempt('properties', table.name, async () => {
    const names = await propertiesWithoutEffect(table, config)
    if (names.length === 0) return passed('properties', table.name, Object.keys(table.tableProperties).join(', '))
    const hint = 'table_properties are written when a table is made: set them with another Delta writer, or take them out of the config'
    return failed('properties', table.name, `the table does not have them so: ${names.join(', ')}`, hint)
  })
}

/** The folder, or the nearest one above it that exists, can be written. */
async function writable(check: string, path: string, subject = path): Promise<Check> {
  const folder = await nearestExisting(path)
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    return passed(check, subject, `${folder} can be written`)
  } catch {
    return failed(check, subject, `${folder} cannot be written`, 'grant write permission')
  }
}

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined)
    if (found || folder === dirname(folder)) return folder
  }
}

async function attempt(check: string, subject: string, work: () => Promise<Check>): Promise<Check> {
  try {
    return await work()
  } catch (error) {
    const { message, hint } = reportOf(error)
    return failed(check, subject, message, hint)
  }
}

function passed(check: string, subject: string, detail: string): Check {
  return { check, subject, ok: true, detail, hint: null }
}

function failed(check: string, subject: string, detail: string, hint: string | null): Check {
  return { check, subject, ok: false, detail, hint }
}

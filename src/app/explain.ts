import type { Clock } from '../lib/clock.ts'
import type { ExplainReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import { changedFilePolicy } from '../pipeline/policy.ts'
import { loadsChanged, type TrackedFile, type Tracker } from '../tracker/tracker.ts'
import type { DecisionStep, Sighting } from '../watcher/watcher.ts'
import { listerOf } from './listers.ts'

/** The decisions about one path, for each table whose source could hold it: the same ones that the loader takes. */
export async function explainFile(
  path: string,
  tables: readonly TableConfig[],
  tracker: Tracker,
  clock: Clock,
): Promise<readonly ExplainReport[]> {
  const looks = await Promise.all(tables.map(async (table) => ({ table, sighting: await listerOf(table, clock).look(path) })))
  const matching = looks.filter(({ sighting }) => sighting.steps.some((step) => step.check === 'matched' && step.passed))
  if (matching.length === 0) {
    const steps = looks.flatMap(({ table, sighting }) =>
      sighting.steps.slice(0, 1).map((step) => ({ ...step, detail: `${table.name}: ${step.detail}` })),
    )
    return [{ file: path, table: null, status: null, verdict: 'not_loaded', steps, history: [] }]
  }
  return Promise.all(matching.map(({ table, sighting }) => explainFor({ table, sighting }, path, tracker)))
}

async function explainFor(
  { table, sighting }: { readonly table: TableConfig; readonly sighting: Sighting },
  path: string,
  tracker: Tracker,
): Promise<ExplainReport> {
  const shown = sighting.file?.path ?? path
  const row = await tracker.file(table.name, shown)
  const paused = (await tracker.paused()).has(table.name)
  const steps = [...sighting.steps, ...trackerSteps(table, row, sighting, tracker), ...(paused ? [PAUSED] : [])]
  const history = await tracker.history(table.name, shown)
  const expectations = await tracker.expectationsOfFile(table.name, shown)
  return {
    file: shown,
    table: table.name,
    status: row?.status ?? null,
    verdict: verdictOf(row, sighting, steps),
    steps,
    history: history.map((event) => ({
      at: event.at,
      from: event.from_status,
      to: event.to_status,
      version: event.file_version,
      batch_id: event.batch_id,
      reason: event.reason,
    })),
    ...(expectations.length === 0 ? {} : { expectations }),
  }
}

const PAUSED: DecisionStep = { check: 'not_paused', passed: false, detail: 'its table is paused; it waits for: ingest resume' }

/** The steps that the tracker decides, after those of the watcher. */
function trackerSteps(table: TableConfig, row: TrackedFile | undefined, sighting: Sighting, clock: Clock): readonly DecisionStep[] {
  const built: DecisionStep =
    table.unsupported.length === 0
      ? { check: 'table_ready', passed: true, detail: `${table.name} can run` }
      : { check: 'table_ready', passed: false, detail: table.unsupported.map((one) => one.message).join('; ') }
  if (row === undefined) return [built, { check: 'known', passed: true, detail: 'the tracker does not know it yet' }]
  const changed = sighting.file !== undefined && sighting.file.version !== row.file_version
  return [built, knownStep(row, changed), ...stateSteps(table, row, changed, clock)]
}

function knownStep(row: TrackedFile, changed: boolean): DecisionStep {
  const version = changed ? 'its content is another than the one that the tracker holds' : 'with this content'
  return { check: 'known', passed: true, detail: `the tracker knows it since ${row.created_at}, ${version}` }
}

function stateSteps(table: TableConfig, row: TrackedFile, changed: boolean, clock: Clock): readonly DecisionStep[] {
  switch (row.status) {
    case 'completed':
      return [loadedStep(table, row, changed)]
    case 'failed':
      return [failedStep(row, changed, clock)]
    case 'skipped':
      return [skippedStep(row, changed)]
    case 'processing':
      return [
        {
          check: 'not_leased',
          passed: false,
          detail: `being loaded by ${row.lease_owner ?? '?'} since ${row.processing_start_time ?? '?'}`,
        },
      ]
    case 'pending':
      return [
        {
          check: 'not_held',
          passed: row.held_reason === null,
          detail: row.held_reason ?? (row.status_reason ? `waits for the next run (${row.status_reason})` : 'waits for the next run'),
        },
      ]
  }
}

function loadedStep(table: TableConfig, row: TrackedFile, changed: boolean): DecisionStep {
  const rejected = row.rows_rejected ?? 0
  const others = rejected === 0 ? '' : `, ${rejected} rejected: ingest quarantine list --file FILE`
  const before = `loaded in version ${row.table_version ?? '?'} (${row.rows_loaded ?? 0} rows, batch ${row.batch_id ?? '?'}${others})${cleanUpText(row)}`
  if (!changed) return { check: 'not_loaded_yet', passed: false, detail: before }
  const loads = loadsChanged(changedFilePolicy(table))
  return {
    check: 'not_loaded_yet',
    passed: loads,
    detail: `${before}; its new content is ${loads ? 'loaded' : 'not loaded'} by on_changed_file: ${table.onChangedFile}`,
  }
}

/** What became of it at its source. */
function cleanUpText(row: TrackedFile): string {
  switch (row.clean_up_status) {
    case null:
      return ''
    case 'due':
      return '; it is about to be cleaned up (after_load)'
    case 'failed':
      return `; its clean-up failed (${row.clean_up_reason ?? '?'}) and is tried again at ${row.clean_up_next_at ?? '?'}`
    case 'archived':
      return `; archived as ${row.clean_up_path ?? '?'}`
    case 'deleted':
      return '; deleted at its source (after_load)'
    case 'kept':
      return `; left at its source: ${row.clean_up_reason ?? '?'}`
  }
}

function skippedStep(row: TrackedFile, changed: boolean): DecisionStep {
  const reason = row.status_reason ?? 'skipped by hand'
  const detail = changed ? `${reason}, but its content is new` : `${reason}; it waits for: ingest retry FILE, or for new content`
  return { check: 'not_skipped', passed: changed, detail }
}

function failedStep(row: TrackedFile, changed: boolean, clock: Clock): DecisionStep {
  const error = `${row.error_code ?? ''}: ${row.error_message ?? 'failed'}`
  if (changed) return { check: 'not_failed', passed: true, detail: `failed before (${error}), but its content is new` }
  if (row.next_attempt_at === null)
    return { check: 'not_failed', passed: false, detail: `${error}; it waits for: ingest retry FILE, or for new content` }
  const due = Date.parse(row.next_attempt_at) <= clock.now()
  return {
    check: 'not_failed',
    passed: due,
    detail: `${error}; attempt ${row.retry_count + 1} is due ${due ? 'now' : `at ${row.next_attempt_at}`}`,
  }
}

function verdictOf(row: TrackedFile | undefined, sighting: Sighting, steps: readonly DecisionStep[]): ExplainReport['verdict'] {
  if (row?.status === 'completed' && (sighting.file === undefined || sighting.file.version === row.file_version)) return 'loaded'
  return steps.every((step) => step.passed) ? 'will_load' : 'not_loaded'
}

import { counted } from '../cli/text/numbers.ts'
import type { ExplainReport, OptimizeReport } from '../model/report.ts'
import type { StatusFile, StatusReport, TableDetail } from '../model/status-report.ts'
import { type Action, type DashboardData, type DashboardState, viewOf } from './dashboard-state.ts'

interface Files {
  readonly tables?: readonly string[] | undefined
  readonly paths?: readonly string[] | undefined
  readonly status?: 'failed' | undefined
}

interface Tables {
  readonly tables?: readonly string[] | undefined
}

/** What the dashboard shows and does; an `Ingest` is one. */
export interface DashboardSource {
  status(options?: Tables): Promise<StatusReport>
  tableDetail(table: string): Promise<TableDetail>
  findFiles(text: string, options?: Tables): Promise<readonly StatusFile[]>
  explain(path: string): Promise<readonly ExplainReport[]>
  retry(filter: Files): Promise<number>
  skip(filter: Files): Promise<number>
  approve(filter: Files): Promise<number>
  pause(options?: Tables): Promise<readonly string[]>
  resume(options?: Tables): Promise<readonly string[]>
  optimize(options?: Tables): Promise<OptimizeReport>
}

/** What the view on the screen needs, anew. */
export async function lookAt(source: DashboardSource, state: DashboardState): Promise<Partial<DashboardData>> {
  const { kind, subject } = viewOf(state)
  switch (kind) {
    case 'table':
      return { detail: await source.tableDetail(subject) }
    case 'file':
      return { explained: await source.explain(subject) }
    case 'files':
      if (subject === '') return { status: await source.status() }
      // A search goes through all paths, and is not repeated by itself.
      return state.data.found === null ? { found: await source.findFiles(subject) } : {}
    default:
      return { status: await source.status() }
  }
}

/** Does it, and says in a line how it ended. */
export async function act(source: DashboardSource, { kind, tables, path }: Action): Promise<string> {
  const files = { tables, ...(path === null ? {} : { paths: [path] }) }
  try {
    switch (kind) {
      case 'retry':
        // Of whole tables only what failed: a file that was skipped for a newer one must not come back by the way.
        return `${counted(await source.retry(path === null ? { tables, status: 'failed' } : files), 'file')} will be loaded by the next run`
      case 'skip':
        return `skipped ${counted(await source.skip(files), 'file')}`
      case 'approve':
        return `approved ${counted(await source.approve(files), 'file')}`
      case 'pause':
        return told(await source.pause({ tables }), 'paused', 'was paused already')
      case 'resume':
        return told(await source.resume({ tables }), 'resumed', 'was not paused')
      case 'optimize':
        return optimized(await source.optimize({ tables }))
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function told(tables: readonly string[], done: string, otherwise: string): string {
  return tables.length === 0 ? otherwise : `${done} ${tables.join(', ')}`
}

function optimized({ tables }: OptimizeReport): string {
  return tables
    .map(({ table, error, reason, files_removed: removed, files_added: added }) => {
      if (error !== null) return `${table}: ${error.message}`
      return removed === 0 ? `${table}: ${reason ?? 'nothing to optimize'}` : `${table}: ${counted(removed, 'file')} put into ${added}`
    })
    .join('; ')
}

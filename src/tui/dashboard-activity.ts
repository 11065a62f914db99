import { bytes, count } from '../cli/text/numbers.ts'
import type { Activity } from '../model/activity.ts'
import { cut, cutPath, type Frame, progressBar, shortSpan } from './dashboard-parts.ts'

/** A line for each table that something is done with. */
export function activityLines(activity: readonly Activity[], { width, nowMs, paint }: Frame): readonly string[] {
  if (activity.length === 0) return []
  const bar = Math.max(8, Math.min(30, width - 70))
  const lines = activity.slice(0, 4).map((work) => {
    const amount = work.stage === 'listing' ? `${count(work.files)} seen` : `${count(work.files_done)}/${count(work.files)} files`
    const parts = [
      cutPath(work.table_name, 24).padEnd(Math.min(24, Math.max(...activity.map((one) => one.table_name.length)))),
      progressBar(work.fraction, bar),
      work.fraction === null ? '    ' : `${Math.floor(work.fraction * 100)}%`.padStart(4),
      amount,
      ...(width >= 76 ? [`${bytes(work.bytes_done)}`, `${count(work.rows)} rows`] : []),
      ...(width >= 100 ? [etaOf(work, nowMs)] : []),
      work.stage,
    ]
    return paint.cyan(cut(parts.filter((part) => part !== '').join('  '), width))
  })
  return ['', ...lines, ...(activity.length > 4 ? [paint.dim(`and ${activity.length - 4} more`)] : [])]
}

function etaOf({ fraction, started_at: started }: Activity, nowMs: number): string {
  if (fraction === null || fraction < 0.02) return ''
  return `ETA ${shortSpan((((nowMs - Date.parse(started)) / 1000) * (1 - fraction)) / fraction)}`
}

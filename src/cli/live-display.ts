import type { RunEvent } from '../model/report.ts'
import { canDraw } from './drawing.ts'
import type { Output } from './output.ts'

/** The progress of a run, drawn on the terminal while it lasts. */
export interface LiveDisplay {
  /** Begins to draw; lines that came before are printed as they come. */
  readonly start: () => void
  readonly event: (event: RunEvent) => void
  /** A line that stays above what is drawn. */
  readonly line: (text: string) => void
  /** Takes the drawing away; the lines stay. */
  readonly stop: () => Promise<void>
}

/** A display where a person is watching; undefined elsewhere. */
export async function liveDisplay(output: Output): Promise<LiveDisplay | undefined> {
  if (!canDraw(output)) return undefined
  const { runDisplay } = await import('../tui/run-display.tsx')
  return runDisplay(process.stdout)
}

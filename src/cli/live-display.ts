import type { RunEvent } from '../model/report.ts'
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

/** A display where a person is watching; undefined in pipes, in CI and on terminals that cannot move the cursor. */
export async function liveDisplay(output: Output): Promise<LiveDisplay | undefined> {
  const { env } = process
  if (!output.terminal || !process.stderr.isTTY || env['TERM'] === 'dumb' || isCi(env['CI'])) return undefined
  return loadDisplay()
}

function isCi(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

/** React decides by NODE_ENV, when it is loaded, whether it keeps timings of every frame: without end, in a long run. */
async function loadDisplay(): Promise<LiveDisplay> {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    const { runDisplay } = await import('../tui/run-display.tsx')
    return runDisplay(process.stdout)
  } finally {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  }
}

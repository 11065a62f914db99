import { type Instance, render } from 'ink'
import type { RunEvent } from '../model/report.ts'
import { newProgress, progressAfter } from './progress-state.ts'
import { RunProgress } from './run-progress.tsx'

/** Frames come by the clock and not by the event: a thousand events a second must not draw a thousand times. */
const FRAME_MS = 100

const NO_SIZE = { columns: 80, rows: 24 }

/** Draws a run on a terminal from `start` to `stop`; see RunProgress for what. */
export function runDisplay(terminal: NodeJS.WriteStream) {
  const lines: string[] = []
  let progress = newProgress(Date.now())
  let drawing: { readonly ink: Instance; readonly timer: NodeJS.Timeout } | undefined

  const frame = (live: boolean) => {
    const { columns, rows } = { columns: terminal.columns || NO_SIZE.columns, rows: terminal.rows || NO_SIZE.rows }
    return <RunProgress progress={progress} lines={lines} screen={live ? { columns, rows, nowMs: Date.now() } : null} />
  }

  return {
    start: (): void => {
      // Signals and the console stay with the command line.
      const ink = render(frame(true), { stdout: terminal, exitOnCtrlC: false, patchConsole: false })
      drawing = { ink, timer: setInterval(() => ink.rerender(frame(true)), FRAME_MS) }
    },
    event: (event: RunEvent): void => {
      progress = progressAfter(progress, event, Date.now())
    },
    line: (text: string): void => {
      if (drawing === undefined) terminal.write(`${text}\n`)
      else lines.push(text)
    },
    stop: async (): Promise<void> => {
      if (drawing === undefined) return
      const { ink, timer } = drawing
      drawing = undefined
      clearInterval(timer)
      ink.rerender(frame(false))
      ink.unmount()
      await ink.waitUntilExit()
    },
  }
}

import { type Instance, render } from 'ink'
import type { RunEvent } from '../model/report.ts'
import { brokenRows, type FrameLine, progressFrame } from './progress-frame.ts'
import { newProgress, progressAfter } from './progress-state.ts'
import { RunProgress } from './run-progress.tsx'

/** Frames come by the clock and not by the event: a thousand events a second must not draw a thousand times. */
const FRAME_MS = 100

const ERASE_ROW_ABOVE = '\u001b[2K\u001b[1A'

/** Draws a run on a terminal from `start` to `stop`; see RunProgress for what. */
export function runDisplay(terminal: NodeJS.WriteStream) {
  const lines: string[] = []
  let progress = newProgress(Date.now())
  let frame: readonly FrameLine[] = []
  let drawing: { readonly ink: Instance; readonly timer: NodeJS.Timeout } | undefined

  const next = () => {
    frame = progressFrame(progress, { columns: terminal.columns || 80, rows: terminal.rows || 24, nowMs: Date.now() })
    return <RunProgress frame={frame} lines={lines} />
  }
  const onResize = () => {
    terminal.write(ERASE_ROW_ABOVE.repeat(brokenRows(frame, terminal.columns || 80)))
  }

  return {
    start: (): void => {
      // Heard before Ink hears it and erases.
      terminal.on('resize', onResize)
      // Signals and the console stay with the command line.
      const ink = render(next(), { stdout: terminal, exitOnCtrlC: false, patchConsole: false })
      drawing = { ink, timer: setInterval(() => ink.rerender(next()), FRAME_MS) }
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
      ink.rerender(<RunProgress frame={[]} lines={lines} />)
      ink.unmount()
      await ink.waitUntilExit()
      terminal.off('resize', onResize)
    },
  }
}

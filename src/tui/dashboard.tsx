import { Box, type Instance, render, Text, useInput } from 'ink'
import type { ReactElement } from 'react'
import { dashboardFrame } from './dashboard-frame.ts'
import type { Paint } from './dashboard-parts.ts'
import { act, type DashboardSource, lookAt } from './dashboard-source.ts'
import { afterKey, type DashboardState, type Key, NEW_DASHBOARD, viewOf, withData } from './dashboard-state.ts'
import { LineScreen } from './line-screen.ts'

const LOOK_EVERY_MS = 1000

interface Screen {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly paint: Paint
  /** Ends it as `q` does. */
  readonly signal: AbortSignal
}

/** Shows the state of all tables until it is left. */
export async function runDashboard(source: DashboardSource, { stdin, stdout, paint, signal }: Screen): Promise<void> {
  let state = NEW_DASHBOARD
  let ink: Instance | undefined
  const leave = () => ink?.unmount()
  const drawn = () => {
    const screen = { columns: stdout.columns || 80, rows: stdout.rows || 24, nowMs: Date.now(), paint }
    return <Dashboard lines={dashboardFrame(state, screen)} onKey={onKey} />
  }
  const show = (next: DashboardState) => {
    state = next
    if (state.quit) leave()
    else ink?.rerender(drawn())
  }
  const looked = async () => {
    const { kind, subject } = viewOf(state)
    const data = await lookAt(source, state)
    // Keys were pressed meanwhile, perhaps for another view.
    const now = viewOf(state)
    if (now.kind === kind && now.subject === subject) show(withData(state, data))
  }
  const look = sequential(looked, (message) => show({ ...state, message }))
  const onKey = (key: Key) => {
    const { state: next, act: action } = afterKey(state, key)
    show(next)
    if (action !== undefined)
      void act(source, action)
        .then((message) => show({ ...state, message }))
        .then(look)
    else look()
  }
  const onResize = () => show(state)
  using screen = new LineScreen(stdout)
  stdout.on('resize', onResize)
  signal.addEventListener('abort', leave)
  // Debugging is what Ink calls it to give each frame as a whole.
  ink = render(drawn(), { stdin, stdout: screen.stdout, exitOnCtrlC: true, patchConsole: false, debug: true })
  const timer = setInterval(look, LOOK_EVERY_MS)
  look()
  try {
    await ink.waitUntilExit()
  } finally {
    clearInterval(timer)
    stdout.off('resize', onResize)
    signal.removeEventListener('abort', leave)
  }
}

/** Work that is not done twice at a time; what is asked meanwhile is done once more afterwards. */
function sequential(work: () => Promise<void>, failed: (message: string) => void): () => void {
  let running = false
  let again = false
  const run = async (): Promise<void> => {
    running = true
    do {
      again = false
      try {
        await work()
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error))
      }
    } while (again)
    running = false
  }
  return () => {
    again = running
    if (!running) void run()
  }
}

export interface DashboardProps {
  readonly lines: readonly string[]
  readonly onKey: (key: Key) => void
}

const NAMED_KEYS = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['pageUp', 'pageUp'],
  ['pageDown', 'pageDown'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  // What most terminals send for backspace.
  ['delete', 'backspace'],
] as const

/** The lines of a frame; whatever is typed goes to `onKey`. */
export function Dashboard({ lines, onKey }: DashboardProps): ReactElement {
  useInput((input, key) => {
    const named = NAMED_KEYS.find(([name]) => key[name])?.[1]
    if (named !== undefined) onKey(named)
    // A terminal that is far away gives several keys at once.
    else if (!key.ctrl && !key.meta) for (const text of input) onKey(text === '\r' ? 'enter' : { text })
  })
  return (
    <Box flexDirection="column">
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen.
        <Text key={index} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  )
}

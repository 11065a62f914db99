import { setTimeout as sleep } from 'node:timers/promises'
import { dashboardFrame } from './dashboard-frame.ts'
import type { InkDashboard } from './dashboard-ink.tsx'
import type { Paint } from './dashboard-parts.ts'
import { act, type DashboardSource, lookAt } from './dashboard-source.ts'
import { afterKey, type DashboardState, type Key, NEW_DASHBOARD, viewOf, withData } from './dashboard-state.ts'
import { LineScreen } from './line-screen.ts'

const LOOK_EVERY_MS = 1000

/** A tracker that is locked may let the first look wait, and keys are read before that. */
const FIRST_LOOK_MS = 200

interface Screen {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly paint: Paint
  /** Ends it as `q` does. */
  readonly signal: AbortSignal
}

/** Shows the state of all tables until it is left. The first frame is drawn before Ink is loaded, which takes longer than all else. */
export async function runDashboard(source: DashboardSource, { stdin, stdout, paint, signal }: Screen): Promise<void> {
  let state = NEW_DASHBOARD
  let ink: InkDashboard | undefined
  // Times of a shared tracker are those of its server.
  let aheadMs = 0
  using screen = new LineScreen(stdout)
  using _keys = heldKeys(stdin)
  const frame = () => dashboardFrame(state, { columns: stdout.columns || 80, rows: stdout.rows || 24, nowMs: Date.now() + aheadMs, paint })
  const draw = () => (ink ?? screen).draw(frame())
  const show = (next: DashboardState) => {
    state = next
    if (state.quit) ink?.end()
    else draw()
  }
  const looked = async () => {
    const { kind, subject } = viewOf(state)
    const data = await lookAt(source, state)
    if (data.status != null) aheadMs = Date.parse(data.status.at) - Date.now()
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
    else void look()
  }
  const leave = () => ink?.end()
  stdout.on('resize', draw)
  signal.addEventListener('abort', leave)
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  try {
    await Promise.race([look(), sleep(FIRST_LOOK_MS, undefined, { signal })]).catch(() => undefined)
    const { inkDashboard } = await loadInk()
    if (signal.aborted) return
    ink = inkDashboard({ stdin, stdout: screen.stdout, onKey }, frame())
    await ink.ended
  } finally {
    clearInterval(timer)
    stdout.off('resize', draw)
    signal.removeEventListener('abort', leave)
  }
}

/** On its own: within a function that disposes of something the compiler leaves the path as it is. */
function loadInk() {
  return import('./dashboard-ink.tsx')
}

/** What is typed before Ink reads it waits, and is not shown by the terminal. */
function heldKeys(stdin: NodeJS.ReadStream): Disposable {
  stdin.setRawMode(true)
  return { [Symbol.dispose]: () => void stdin.setRawMode(false) }
}

/** Work that is not done twice at a time; what is asked meanwhile is done once more afterwards. */
function sequential(work: () => Promise<void>, failed: (message: string) => void): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  const run = async (): Promise<void> => {
    do {
      again = false
      try {
        await work()
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error))
      }
    } while (again)
    running = undefined
  }
  return () => {
    again = running !== undefined
    running ??= run()
    return running
  }
}

import { Box, render, Text, useInput } from 'ink'
import type { ReactElement } from 'react'
import type { Key } from './dashboard-state.ts'

/** The dashboard as Ink has it. */
export interface InkDashboard {
  readonly draw: (lines: readonly string[]) => void
  readonly end: () => void
  readonly ended: Promise<unknown>
}

interface InkScreen {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly onKey: (key: Key) => void
}

/** Takes the terminal over: its keys, and what is drawn. */
export function inkDashboard({ stdin, stdout, onKey }: InkScreen, lines: readonly string[]): InkDashboard {
  const drawn = (given: readonly string[]) => <Dashboard lines={given} onKey={onKey} />
  // Debugging is what Ink calls it to give each frame as a whole.
  const ink = render(drawn(lines), { stdin, stdout, exitOnCtrlC: true, patchConsole: false, debug: true })
  return { draw: (given) => ink.rerender(drawn(given)), end: () => ink.unmount(), ended: ink.waitUntilExit() }
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

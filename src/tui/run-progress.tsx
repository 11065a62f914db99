import { Box, Static, Text } from 'ink'
import type { ReactElement } from 'react'
import { nameWidthOf, progressLine, totalLine } from './progress-line.ts'
import type { RunProgress as Progress } from './progress-state.ts'

export interface RunProgressProps {
  readonly progress: Progress
  /** Lines that stay: how tables ended, and the log. */
  readonly lines: readonly string[]
  /** Null when the run is over, and only the lines stay. */
  readonly screen: { readonly columns: number; readonly rows: number; readonly nowMs: number } | null
}

/** Rows of the terminal that are left to what is not a table: the total, «and N more», and the row that the cursor is in. */
const SPARE_ROWS = 3

/** Running tables, a line each, below the lines that stay. It never fills the screen: Ink would clear all of it at every frame. */
export function RunProgress({ progress, lines, screen }: RunProgressProps): ReactElement {
  return (
    <>
      <Static items={[...lines]}>{(line, index) => <Text key={index}>{line}</Text>}</Static>
      {screen === null ? null : <RunningTables progress={progress} {...screen} />}
    </>
  )
}

interface RunningTablesProps {
  readonly progress: Progress
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
}

function RunningTables({ progress, columns, rows, nowMs }: RunningTablesProps): ReactElement {
  // The last column stays free: many terminals break the line when it is written to.
  const width = Math.max(10, columns - 1)
  const running = progress.tables.filter((table) => table.ended === null)
  const shown = running.slice(0, Math.max(1, rows - SPARE_ROWS))
  const names = nameWidthOf(shown, width)
  return (
    <Box flexDirection="column" width={width}>
      {shown.map((table) => (
        <Text key={table.table} wrap="truncate">
          {progressLine(table, names, width, nowMs)}
        </Text>
      ))}
      {running.length > shown.length ? (
        <Text dimColor wrap="truncate">
          and {running.length - shown.length} more
        </Text>
      ) : null}
      <Text dimColor wrap="truncate">
        {totalLine(progress.tables, progress.total, nowMs - progress.startedMs)}
      </Text>
    </Box>
  )
}

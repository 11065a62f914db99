import { Box, Static, Text } from 'ink'
import type { ReactElement } from 'react'
import type { FrameLine } from './progress-frame.ts'

export interface RunProgressProps {
  /** What is drawn anew at every frame; empty when the run is over, and only the lines stay. */
  readonly frame: readonly FrameLine[]
  /** Lines that stay: how tables ended, and the log. */
  readonly lines: readonly string[]
}

/** Running tables, a line each, below the lines that stay. */
export function RunProgress({ frame, lines }: RunProgressProps): ReactElement {
  return (
    <>
      <Static items={[...lines]}>{(line, index) => <Text key={index}>{line}</Text>}</Static>
      {frame.length === 0 ? null : (
        <Box flexDirection="column">
          {frame.map(({ key, text, dim }) => (
            <Text key={key} dimColor={dim} wrap="truncate">
              {text}
            </Text>
          ))}
        </Box>
      )}
    </>
  )
}

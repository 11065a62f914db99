/** What a library prints by itself, as a text. */
export function printed(act: () => void): string {
  const lines: string[] = []
  const log = console.log
  console.log = (line: string) => lines.push(line)
  try {
    act()
  } finally {
    console.log = log
  }
  return lines.map((line) => `${line}\n`).join('')
}

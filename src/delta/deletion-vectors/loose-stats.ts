/**
 * Statistics of a file that gets a deletion vector: its bounds may be wider than the rows that are left, and the number
 * of rows must be there. All other text stays as it is, to the digit.
 */
export function looseStats(stats: string | null, numRecords: bigint): string {
  const members = membersOf(stats ?? '').filter(({ name }) => name !== 'tightBounds' && name !== 'numRecords')
  return `{${[`"numRecords":${numRecords}`, ...members.map(({ text }) => text), '"tightBounds":false'].join(',')}}`
}

/** Members of a JSON object as they stand in its text; none where the text is no object. */
function membersOf(text: string): readonly { readonly name: string; readonly text: string }[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return []
  const parts = splitAtTop(trimmed.slice(1, -1))
  return parts.flatMap((part) => {
    const name = /^\s*"((?:[^"\\]|\\.)*)"\s*:/.exec(part)?.[1]
    return name === undefined ? [] : [{ name, text: part.trim() }]
  })
}

/** Splits at the commas that stand in no string, object or list. */
function splitAtTop(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    else if (token === ',' && depth === 0) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}

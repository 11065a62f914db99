/** Characters that a record is taken apart by. Texts are one character per byte, so that any encoding passes. */
export interface RecordMarks {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
}

export interface ParsedRecord {
  readonly fields: readonly string[]
  /** Where the next record begins. */
  readonly end: number
}

/** Takes one record apart; undefined when the text ends within quotes, or before a line end and `last` is false. */
export function parseRecord(text: string, from: number, marks: RecordMarks, last: boolean): ParsedRecord | undefined {
  const fields: string[] = []
  let at = from
  for (;;) {
    const field =
      marks.quote !== '' && quoteAt(text, at, marks) >= 0 ? quotedField(text, quoteAt(text, at, marks), marks) : plainField(text, at, marks)
    if (field === undefined) return undefined
    fields.push(field.text)
    at = field.end
    if (at >= text.length) return last ? { fields, end: at } : undefined
    if (text.startsWith(marks.delimiter, at)) at += marks.delimiter.length
    else return { fields, end: afterLineEnd(text, at) }
  }
}

/** Position of the opening quote of a quoted field; the engine allows spaces before it. -1 for a plain field. */
function quoteAt(text: string, from: number, { quote, delimiter }: RecordMarks): number {
  let at = from
  while (text[at] === ' ' && delimiter !== ' ') at += 1
  return text.startsWith(quote, at) ? at : -1
}

interface Field {
  readonly text: string
  readonly end: number
}

function quotedField(text: string, opening: number, marks: RecordMarks): Field | undefined {
  let value = ''
  let at = opening + 1
  while (at < text.length) {
    const char = text[at]
    if (char === marks.escape && (marks.escape !== marks.quote || text[at + 1] === marks.quote)) {
      value += text[at + 1] ?? ''
      at += 2
    } else if (char === marks.quote) {
      return { text: value, end: plainField(text, at + 1, marks).end }
    } else {
      value += char
      at += 1
    }
  }
  return undefined
}

function plainField(text: string, from: number, { delimiter }: RecordMarks): Field {
  let at = from
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r' && !text.startsWith(delimiter, at)) at += 1
  return { text: text.slice(from, at), end: at }
}

/** Position after the line end at `at`. */
export function afterLineEnd(text: string, at: number): number {
  return text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1
}

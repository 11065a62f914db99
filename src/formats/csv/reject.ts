import type { FileError } from '../../errors/errors.ts'
import { excerpt, raggedRow, textBehindQuote, truncated, wrongEncoding, wrongFormat } from '../file-problems.ts'
import type { FormatContext, SourceFile } from '../format.ts'
import { textEnds } from '../text-ends.ts'
import type { Layout, Reading } from './reading.ts'
import { parseRecord } from './record.ts'

/** An ill-formed row as the engine reports it. */
export interface Reject {
  readonly file: SourceFile
  readonly line: number
  /** `MISSING COLUMNS`, `TOO MANY COLUMNS`, `UNQUOTED VALUE`, `INVALID ENCODING`, `LINE SIZE OVER MAXIMUM` … */
  readonly type: string
  readonly text: string
  readonly message: string
}

export interface RejectPlace {
  /** Fields of the header. */
  readonly columns: number
  readonly reading: Reading
  readonly layout: Layout
  readonly context: FormatContext
}

/** What an ill-formed row means: a ragged last record without a line end, or an open quote, is a file that was cut. */
export async function rejectProblem(reject: Reject, place: RejectPlace): Promise<FileError> {
  const { file, line } = reject
  switch (reject.type) {
    case 'MISSING COLUMNS': {
      const found = Number(/Found: (\d+)/.exec(reject.message)?.[1] ?? 0)
      const { last, ended } = await endOf(reject, place)
      if (last && !ended) return truncated(file.path, `its last line, ${line}, has ${found} of ${place.columns} fields`)
      return raggedRow(file.path, line, found, place.columns)
    }
    case 'TOO MANY COLUMNS':
      return raggedRow(file.path, line, fieldsOf(reject, place), place.columns)
    case 'UNQUOTED VALUE':
      if ((await endOf(reject, place)).last) return truncated(file.path, `the quote that opens on line ${line} is not closed`)
      return textBehindQuote(file.path, line)
    case 'INVALID ENCODING':
    case 'INVALID UNICODE':
      return wrongEncoding(file.path, `line ${line} is not UTF-8`)
    case 'LINE SIZE OVER MAXIMUM':
      return wrongFormat(file.path, `line ${line} is longer than the reader's limit`, 'set format_options: {max_line_size: BYTES}')
    default:
      return wrongFormat(file.path, `line ${line}: ${excerpt(reject.message.split('\n', 1)[0] ?? reject.type)}`)
  }
}

/** The engine stops counting at the first field too many. */
function fieldsOf(reject: Reject, { reading }: RejectPlace): number {
  const counted = Number(/Found: (\d+)/.exec(reject.message)?.[1] ?? 0)
  return Math.max(counted, parseRecord(reject.text, 0, reading, true)?.fields.length ?? 0)
}

/** Whether the row is the last of its file, and whether a line end closes the file. */
async function endOf(
  { file, text }: Reject,
  { reading, layout, context }: RejectPlace,
): Promise<{ readonly last: boolean; readonly ended: boolean }> {
  const { tail } = await textEnds(file, layout.compression, context.io, { head: 1, tail: 1024 })
  const end = tail.toString(reading.encoding === 'utf-16' ? 'utf16le' : 'latin1')
  const row = Buffer.from(text).toString('latin1').trimEnd().slice(-200)
  return { last: end.trimEnd().endsWith(row), ended: /[\r\n]$/.test(end) }
}

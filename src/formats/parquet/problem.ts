import { FileError } from '../../errors/errors.ts'
import { firstLine } from '../engine-message.ts'
import { excerpt, gone, truncated, wrongFormat } from '../file-problems.ts'
import type { SourceFile } from '../format.ts'

/** What an error of the engine says of a file that was read alone. */
export function parquetProblem(file: SourceFile, message: string): FileError {
  if (/No files found|No such file|Cannot open file/i.test(message)) {
    return gone(file.path)
  }
  const endless = /'inexact: (.* is -?infinity)'/.exec(firstLine(message))
  if (endless) {
    return new FileError('ING-FILE-VALUE', file.path, `${file.path}: ${excerpt(endless[1] ?? message)}, which a Delta table cannot hold`, {
      hint: 'mend the value, then: ingest retry FILE',
    })
  }
  const conversion = /^(Conversion Error|Out of Range Error):? ?(.*)/i.exec(firstLine(message))
  if (conversion) {
    return new FileError('ING-FILE-VALUE', file.path, `${file.path}: ${excerpt(conversion[2] ?? message)}`, {
      hint: 'mend the value, then: ingest retry FILE',
    })
  }
  if (/not enough file contents|too small|unexpected end/i.test(message)) return truncated(file.path, excerpt(firstLine(message)))
  return wrongFormat(file.path, `the Parquet data is damaged: ${excerpt(firstLine(message))}`, 'deliver the file again')
}

import { isUtf8 } from 'node:buffer'

/** A name as tracker, tables and messages hold it. */
export interface ShownName {
  readonly text: string
  /** The bytes, where the text is not the name itself because they are not UTF-8. */
  readonly raw: Buffer | null
  /** False when the text cannot be told from that of another name, because it also spells an escape in letters. */
  readonly isUnique: boolean
}

/** Bytes that are not UTF-8 stand percent-encoded, all else is as it is. */
export function shownName(bytes: Buffer): ShownName {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), raw: null, isUnique: true }
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0)
    const sequence = bytes.subarray(at, at + length)
    if (length > 0 && sequence.length === length && isUtf8(sequence)) {
      text += sequence.toString('utf8')
      at += length
    } else {
      text += `%${(bytes[at] ?? 0).toString(16).toUpperCase()}`
      at += 1
    }
  }
  return { text, raw: bytes, isUnique: rawName(text)?.equals(bytes) === true }
}

/** The bytes of a name that is not UTF-8 and is shown as this text; undefined when none can be. */
export function rawName(text: string): Buffer | undefined {
  const parts = text.split(/%([89A-F][0-9A-F])/)
  if (parts.length === 1) return undefined
  const bytes = Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')))
  return isUtf8(bytes) ? undefined : bytes
}

/** How many bytes the first byte of a character announces; 0 when none begins so. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1
  if (first >= 0xc2 && first <= 0xdf) return 2
  if (first >= 0xe0 && first <= 0xef) return 3
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0
}

/**
 * Control characters, what reverses the direction of text, and halves of surrogate pairs: a file name or a value
 * that holds them could move the cursor, recolour or fake lines of the terminal that shows it.
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text from outside on one line, safe to show on a terminal. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped)
}

/** The same for text that may have several lines, as a message. */
export function printableLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character)))
}

function escaped(character: string): string {
  const short = SHORT[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/**
 * The path of a data file as the log holds it: a URI, so everything but unreserved characters, `/` and the `=` of
 * partition folders is escaped. Readers fail on a raw `:`, and take a raw `%` for an escape.
 */
export function encodePath(path: string): string {
  return escaped(path, /[A-Za-z0-9\-._~/=]/)
}

/** One name of a folder, safe on every file system and for readers that split paths at `=` and `/`. */
export function encodeName(name: string): string {
  return escaped(name, /[A-Za-z0-9\-._~]/)
}

function escaped(text: string, kept: RegExp): string {
  let result = ''
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte)
    result += byte < 0x80 && kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return result
}

/** A path of the log as the file system has it; text that is no URI is taken as it is. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // A stray `%`: some writers log the raw path.
  }
}

import { FileError } from '../../errors/errors.ts'
import { type Compression, plainBytes } from '../compression.ts'
import { firstLine } from '../engine-message.ts'
import { badJson, excerpt, gone, truncated, wrongEncoding } from '../file-problems.ts'
import type { FormatContext, SourceFile } from '../format.ts'

/** A document up to this size is parsed once more to name the line. */
const PARSED_AGAIN = 64 * 1024 * 1024

/**
 * What is wrong with a file that the engine cannot parse. Its message counts lines by its buffers, so the line is
 * looked up in the file.
 */
export async function jsonProblem(
  file: SourceFile,
  message: string,
  how: { readonly compression: Compression; readonly context: FormatContext },
): Promise<FileError> {
  if (/No files found|No such file|Cannot open file/i.test(message)) {
    return gone(file.path)
  }
  try {
    const lines = how.context.table.fileFormat === 'ndjson'
    const found = lines ? await badLine(file, how) : await badDocument(file, how)
    if (found) return found
  } catch (error) {
    if (error instanceof FileError) return error
    if (error instanceof TypeError) return wrongEncoding(file.path, 'the JSON is not UTF-8', 'deliver UTF-8')
    throw error
  }
  if (/duplicate key/.test(message)) return badJson(file.path, null, excerpt(firstLine(message).replace(/^.*: Object/, 'the object')))
  const what = /unexpected end of data|Missing closing/.test(message)
  return what ? truncated(file.path, 'its last value is not closed') : badJson(file.path, null, excerpt(firstLine(message)))
}

/** The first line that is no object. */
async function badLine(
  file: SourceFile,
  { compression, context }: { compression: Compression; context: FormatContext },
): Promise<FileError | undefined> {
  let line = 0
  let bad: { line: number; text: string; what: string } | undefined
  for await (const text of linesOf(file, compression, context)) {
    line += 1
    if (text.trim() === '') continue
    // A bad line with another one behind it is no cut.
    if (bad) return badJson(file.path, bad.line, `${bad.what}: ${excerpt(bad.text)}`)
    const what = problemOf(text)
    if (what !== undefined) bad = { line, text, what }
  }
  if (!bad) return undefined
  const open = bad.what !== NO_OBJECT && isOpen(bad.text)
  return open
    ? truncated(file.path, `the record on its last line, ${bad.line}, is not closed`)
    : badJson(file.path, bad.line, `${bad.what}: ${excerpt(bad.text)}`)
}

const NO_OBJECT = 'a record must be an object'

function problemOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? undefined : NO_OBJECT
  } catch {
    return 'this is not valid JSON'
  }
}

/** Whether a text stops within a value: braces, brackets or quotes are still open, and nothing else is wrong. */
export function isOpen(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (quoted && char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (!quoted && (char === '{' || char === '[')) depth += 1
    else if (!quoted && (char === '}' || char === ']')) depth -= 1
  }
  return quoted || depth > 0
}

async function badDocument(
  file: SourceFile,
  { compression, context }: { compression: Compression; context: FormatContext },
): Promise<FileError | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of plainBytes(file, compression, context.io)) {
    length += chunk.length
    if (length > PARSED_AGAIN) return undefined
    parts.push(chunk)
  }
  const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  if (isOpen(text)) return truncated(file.path, 'its last value is not closed')
  const first = text.split('\n', 1)[0] ?? ''
  if (!text.trimStart().startsWith('[') && problemOf(first) === undefined) return badLine(file, { compression, context })
  return badElement(file, text) ?? badPlace(file, text)
}

/** Where the elements of an array are not told apart by one comma each. */
function badPlace(file: SourceFile, text: string): FileError | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  let at = text.indexOf('[') + 1
  let between = ''
  for (const { start, value } of elementsOf(text)) {
    if (text.slice(at, start).trim() !== between) return notAnArray(file, text, start)
    at = start + value.length
    between = ','
  }
  const end = text.indexOf(']', at)
  return text.slice(at, end).trim() === '' ? undefined : notAnArray(file, text, end)
}

function notAnArray(file: SourceFile, text: string, at: number): FileError {
  return badJson(
    file.path,
    text.slice(0, at).split('\n').length,
    `this is not valid JSON: a comma is missing or too many before ${excerpt(text.slice(at))}`,
  )
}

/** The first value of a document that is no object. */
function badElement(file: SourceFile, text: string): FileError | undefined {
  for (const { start, value } of elementsOf(text)) {
    const what = problemOf(value)
    if (what !== undefined) return badJson(file.path, text.slice(0, start).split('\n').length, `${what}: ${excerpt(value)}`)
  }
  return undefined
}

/** The elements of an array, or the values that stand one after another. */
function* elementsOf(text: string): Generator<{ readonly start: number; readonly value: string }> {
  const between = text.trimStart().startsWith('[') ? /[\s,]*/y : /\s*/y
  let at = text.trimStart().startsWith('[') ? text.indexOf('[') + 1 : 0
  for (;;) {
    between.lastIndex = at
    const start = at + (between.exec(text)?.[0].length ?? 0)
    if (start >= text.length || text[start] === ']') return
    at = endOfValue(text, start)
    yield { start, value: text.slice(start, at) }
  }
}

/** Strings, openings, closings, separators, and anything else. */
const TOKEN = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"?|[{[]|[}\]]|[\s,]|[^"{}[\]\s,]+/gy

function endOfValue(text: string, start: number): number {
  let depth = 0
  TOKEN.lastIndex = start
  for (let token = TOKEN.exec(text)?.[0]; token !== undefined; token = TOKEN.exec(text)?.[0]) {
    const separates = depth === 0 && /^[\s,}\]]$/.test(token)
    if (separates) return TOKEN.lastIndex - 1
    depth += depthOf(token)
    if (depth === 0 && depthOf(token) < 0) return TOKEN.lastIndex
  }
  return text.length
}

function depthOf(token: string): number {
  if (token === '{' || token === '[') return 1
  return token === '}' || token === ']' ? -1 : 0
}

/** The line of a record, counted from 1, where each stands on a line of its own; null when there are fewer. */
export async function lineOfRecord(
  file: SourceFile,
  record: number,
  compression: Compression,
  context: FormatContext,
): Promise<number | null> {
  let line = 0
  let left = record
  for await (const text of linesOf(file, compression, context)) {
    line += 1
    if (text.trim() !== '') left -= 1
    if (left === 0) return line
  }
  return null
}

/** Lines of a text file. A TypeError says that it is not UTF-8. */
async function* linesOf(file: SourceFile, compression: Compression, context: FormatContext): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of plainBytes(file, compression, context.io)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest + decoder.decode()
}

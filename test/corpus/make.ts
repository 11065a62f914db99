import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** Content of a file: text as UTF-8, bytes, or rows of a query as the engine writes them to Parquet, perhaps damaged afterwards. */
export type Content = string | Uint8Array | Parquet | Sized

export interface Parquet {
  readonly parquet: string
  readonly damage?: (bytes: Buffer) => Uint8Array
}

/** A text that tells the sizes of files, which are written before it; their paths begin at its folder. */
export interface Sized {
  readonly text: (sizeOf: (path: string) => number) => string
}

/** How a file ends: with so many rows of it in the table, failed with a code and words of the message, or never looked at. */
export type Outcome =
  | { readonly kind: 'loaded'; readonly rows: number; readonly rejected: number; readonly first: string | null }
  | { readonly kind: 'failed'; readonly code: string; readonly says: string }
  | { readonly kind: 'ignored' }

export interface CorpusFile {
  readonly name: string
  readonly content: Content
  readonly outcome: Outcome
  /** Why the outcome is not what a user would want, where it is not. */
  readonly fault?: string
}

/** Files of one table: what they share is its config. */
export interface CorpusTable {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly files: readonly CorpusFile[]
}

/** Loaded with so many rows, of which the least is, as JSON without its nulls: `first`. */
export function loaded(rows: number, first?: object | string): Outcome {
  const text = first === undefined ? null : typeof first === 'string' ? first : JSON.stringify(first)
  return { kind: 'loaded', rows, rejected: 0, first: text }
}

/** Loaded with so many rows, and others rejected. */
export function rejected(rejects: number, rows: number): Outcome {
  return { kind: 'loaded', rows, rejected: rejects, first: null }
}

export function failed(code: string, says = ''): Outcome {
  return { kind: 'failed', code: `ING-${code}`, says }
}

export const ignored: Outcome = { kind: 'ignored' }

/** A table whose files are told as name → [content, outcome, fault]. */
export function table(
  name: string,
  config: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, readonly [Content, Outcome] | readonly [Content, Outcome, string]>>,
): CorpusTable {
  return {
    name,
    config,
    files: Object.entries(files).map(([file, [content, outcome, fault]]) => ({
      name: file,
      content,
      outcome,
      ...(fault === undefined ? {} : { fault }),
    })),
  }
}

/** Bytes by their hexadecimal digits. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

export function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le')
}

/** A zstd frame of one raw block, since Node 20 compresses none. */
export function zstd(text: string): Buffer {
  const content = Buffer.from(text)
  const header = Buffer.alloc(4 + 1 + 8 + 3)
  header.writeUInt32LE(0xfd2fb528, 0)
  // A single segment whose size has eight bytes; then the last block, raw.
  header[4] = 0xe0
  header.writeBigUInt64LE(BigInt(content.length), 5)
  header.writeUIntLE((content.length << 3) | 1, 13, 3)
  return Buffer.concat([header, content])
}

/** Joins bytes and texts. */
export function joined(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

/** Cuts bytes off the end. */
export function without(bytes: Uint8Array, count: number): Uint8Array {
  return bytes.subarray(0, bytes.length - count)
}

/** Writes contents to paths; the same bytes in every run. */
export async function write(files: readonly { readonly path: string; readonly content: Content }[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run("SET TimeZone = 'UTC'; SET threads = 1")
    for (const { path, content } of files) {
      if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(path, content)
      else if ('text' in content)
        writeFileSync(
          path,
          content.text((other) => statSync(join(dirname(path), other)).size),
        )
      else {
        await connection.run(`COPY (${content.parquet}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`)
        if (content.damage !== undefined) writeFileSync(path, content.damage(readFileSync(path)))
      }
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

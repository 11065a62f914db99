import type { Landing } from '../blobs/landing.ts'
import type { Session } from '../engine/engine.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import { type Part, withParts } from '../formats/parts.ts'
import type { TableConfig } from '../model/table.ts'
import { type Mended, numbersOf, writeMended } from '../pipeline/mended.ts'

/** Mended rows that a batch reads in the place of its landing files. */
export interface MendedReading {
  readonly mended: Mended
  /** The table as the records are read. */
  readonly source: TableConfig
  readonly session: Session
}

/** The landing area with its files as they were loaded: their content is not read any more, and need not be there. */
export function mendedLanding(landing: Landing): Landing {
  return { ...landing, versionOf: ({ version }) => version }
}

/** A format that reads the mended records of each file; outside, the file is the landing file. */
export async function withMendedFiles(format: Format, context: FormatContext, { mended, source, session }: MendedReading): Promise<Format> {
  const inner = { ...context, table: source }
  const { framing } = format
  const texts = framing === undefined || !mended.isText ? undefined : (columns: readonly string[]) => framing(columns, inner)
  const parts = new Map<string, Part>()
  for (const one of mended.files) {
    const made = await context.io.interim((path) => writeMended(path, one, { mended, framing: texts, session }))
    parts.set(one.file.path, { ...made, member: null })
  }
  return withParts(format, {
    take: async (files) => new Map(files.map((file) => [file, [parts.get(file.path)].filter((part) => part !== undefined)])),
    inner: (given) => ({ ...given, table: source }),
  })
}

/** Numbers of the mended rows in their landing files, from 0. */
export async function mendedNumbers({ mended, session }: MendedReading): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const numbers = new Map<string, readonly bigint[]>()
  for (const { file } of mended.files) numbers.set(file.path, await numbersOf(file.path, mended, session))
  return numbers
}

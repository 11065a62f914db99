import { textReading } from '../lib/encodings.ts'
import type { TableConfig } from '../model/table.ts'
import { compressionOf, plainBytes } from './compression.ts'
import { truncated, wrongEncoding } from './file-problems.ts'
import type { Format, FormatContext, SourceFile } from './format.ts'
import { numberOption, textOption } from './options.ts'
import { withParts } from './parts.ts'
import { takenParts } from './taken-parts.ts'

/**
 * Text in an encoding that the engine does not read, or with lines at its end that are no records: it is written again as
 * UTF-8 without them. Lines stay where they are.
 */
export function withDecodedText(format: Format): Format {
  return withParts(format, {
    take: async (files, context) => {
      if (!isDecoded(context.table)) return new Map()
      const full = files.filter((file) => file.size > 0n)
      return takenParts(full, { atOnce: DECODED_AT_ONCE, signal: context.signal }, async (file) => [
        { ...(await context.io.interim(utf8Of(file, context))), member: null },
      ])
    },
    inner: (context) => (isDecoded(context.table) ? { ...context, table: plainTable(context.table) } : context),
  })
}

const DECODED_AT_ONCE = 4

function encodingOf(table: TableConfig): string {
  return textOption(table, 'encoding') ?? 'utf-8'
}

function footerOf(table: TableConfig): number {
  return numberOption(table, 'skip_footer') ?? 0
}

function isDecoded(table: TableConfig): boolean {
  return footerOf(table) > 0 || textReading(encodingOf(table))?.kind === 'decoded'
}

function plainTable(table: TableConfig): TableConfig {
  return { ...table, formatOptions: { ...table.formatOptions, encoding: 'utf-8', compression: 'none', skip_footer: 0 } }
}

async function* utf8Of(file: SourceFile, { io, table }: FormatContext): AsyncGenerator<Buffer> {
  const footer = footerOf(table)
  let kept = ''
  for await (const text of textOf(file, table, io)) {
    kept += text
    const end = endBeforeLast(kept, footer)
    if (end > 0) yield Buffer.from(kept.slice(0, end))
    kept = kept.slice(end)
  }
}

/** Where the last lines of a text begin, blank ones uncounted; 0 where it has no more than these. */
function endBeforeLast(text: string, lines: number): number {
  let end = text.length
  for (let left = lines; left > 0; ) {
    const start = end === 0 ? 0 : Math.max(text.lastIndexOf('\n', end - 1), text.lastIndexOf('\r', end - 1)) + 1
    if (start < end) left -= 1
    if (start === 0 || left === 0) return start
    end = start - 1
  }
  return end
}

async function* textOf(file: SourceFile, table: TableConfig, io: FormatContext['io']): AsyncGenerator<string> {
  const decoder = decoderOf(encodingOf(table))
  try {
    for await (const bytes of plainBytes(file, compressionOf(file, table), io)) yield decoder.decode(bytes, { stream: true })
  } catch (error) {
    throw error instanceof TypeError ? wrongEncoding(file.path, `the text is not ${encodingOf(table)}`) : error
  }
  try {
    yield decoder.decode()
  } catch (error) {
    throw error instanceof TypeError ? truncated(file.path, 'the text stops within a character', error) : error
  }
}

function decoderOf(name: string): InstanceType<typeof TextDecoder> {
  const reading = textReading(name)
  const plain = name.toLowerCase().replaceAll(/[-_ ]/g, '')
  const native = plain === 'latin1' || plain === 'iso88591' ? 'windows-1252' : name
  return new TextDecoder(reading?.kind === 'decoded' ? reading.label : native, { fatal: true })
}

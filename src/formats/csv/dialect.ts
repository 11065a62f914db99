import { compressionOf } from '../compression.ts'
import { throwForeign } from '../engine-message.ts'
import type { FormatContext, SourceFile } from '../format.ts'
import { textEnds } from '../text-ends.ts'
import { DEFAULT_DIALECT, type Dialect, fixedDialect, type Reading, readingOf, sniffCsv } from './reading.ts'

/** Files that are looked at; more would not be surer, since they must agree. */
const SAMPLED = 3
const DELIMITERS = [',', ';', '\t', '|']

/**
 * Learns the dialect from a few files: what the config leaves open is guessed by the engine, and the guess is kept
 * only where nothing speaks against it. Undefined when no file has anything to learn from.
 */
export async function learnDialect(files: readonly SourceFile[], context: FormatContext): Promise<Dialect | undefined> {
  const fixed = fixedDialect(context.table)
  const reading = readingOf(context, DEFAULT_DIALECT)
  const guesses: Dialect[] = []
  for (const file of sample(files)) {
    const guess = await sniff(file, fixed, reading, context)
    if (guess) guesses.push(guess)
  }
  const [first] = guesses
  if (!first) return undefined
  const delimiter = mostCommon(guesses.map((guess) => guess.delimiter)) ?? first.delimiter
  const agreeing = guesses.filter((guess) => guess.delimiter === delimiter)
  return {
    delimiter,
    quote: agreeing.find((guess) => guess.quote !== '"')?.quote ?? '"',
    escape: agreeing.find((guess) => guess.escape !== '"')?.escape ?? '"',
    // A file whose texts look like its header is common; one without a header shows it by values where names would be.
    header: agreeing.some((guess) => guess.header),
    dateFormat: agreeing.find((guess) => guess.dateFormat !== null)?.dateFormat ?? null,
    timestampFormat: null,
  }
}

/** The largest file, and those at both ends of the list. */
function sample(files: readonly SourceFile[]): readonly SourceFile[] {
  const full = files.filter((file) => file.size > 0n)
  const largest = full.reduce<SourceFile | undefined>(
    (best, file) => (best === undefined || file.size > best.size ? file : best),
    undefined,
  )
  const chosen = [largest, full[0], full.at(-1)].filter((file) => file !== undefined)
  return [...new Set(chosen)].slice(0, SAMPLED)
}

async function sniff(file: SourceFile, fixed: Partial<Dialect>, reading: Reading, context: FormatContext): Promise<Dialect | undefined> {
  const compression = compressionOf(file, context.table)
  const delimiter = fixed.delimiter ?? (await delimiterOf(file, reading, context))
  if (delimiter === undefined) return undefined
  const given = { ...fixed, delimiter }
  try {
    const [row] = await context.session.rows(sniffCsv(file, given, reading, compression))
    if (!row) return undefined
    const quote = fixed.quote ?? (row['quote'] === "'" ? "'" : '"')
    return {
      delimiter,
      quote,
      escape: fixed.escape ?? (row['escape'] === '\\' ? '\\' : quote),
      header: fixed.header ?? row['header'] === true,
      dateFormat:
        fixed.dateFormat ??
        (await certainDateFormat(file, { given, reading, compression, format: row['date_format'], types: String(row['types']) }, context)),
      timestampFormat: fixed.timestampFormat ?? null,
    }
  } catch (error) {
    throwForeign(error)
    // A file that cannot be sniffed is reported when it is read; what its header shows is enough until then.
    return { ...DEFAULT_DIALECT, ...given }
  }
}

/**
 * The engine's delimiter follows from rows of equal length, and a single ragged row misleads it; the header is surer.
 * Undefined for a file without any line, or one that cannot be opened.
 */
async function delimiterOf(file: SourceFile, reading: Reading, context: FormatContext): Promise<string | undefined> {
  try {
    const { head } = await textEnds(file, compressionOf(file, context.table), context.io, { head: 64 * 1024, tail: 0 })
    const text = head.toString(reading.encoding === 'utf-16' ? 'utf16le' : 'latin1')
    const lines = text.split(/\r\n|\n|\r/).slice(reading.skip)
    const line = lines.find((one) => one.trim() !== '' && !(reading.comment !== '' && one.startsWith(reading.comment)))
    if (line === undefined) return undefined
    const unquoted = line.replaceAll(/"(?:[^"]|"")*"/g, '')
    const counts = DELIMITERS.map((delimiter) => unquoted.split(delimiter).length - 1)
    const most = Math.max(...counts)
    return most === 0 ? ',' : DELIMITERS[counts.indexOf(most)]
  } catch (error) {
    throwForeign(error)
    // The inspection of the file itself reports why.
    return undefined
  }
}

interface DateGuess {
  readonly given: Partial<Dialect>
  readonly reading: Reading
  readonly compression: ReturnType<typeof compressionOf>
  readonly format: unknown
  /** Types that the engine found, as text. */
  readonly types: string
}

/**
 * The date pattern, when it is not ISO and no other reading fits: 03/04/2024 may be a day of March or of April, and then
 * the column stays text until `date_format` says which. Years of two digits are never guessed.
 */
async function certainDateFormat(file: SourceFile, guess: DateGuess, context: FormatContext): Promise<string | null> {
  const { format } = guess
  if (typeof format !== 'string' || !format.includes('%Y') || format.startsWith('%Y')) return null
  const swapped = format.replaceAll(/%[dm]/g, (part) => (part === '%d' ? '%m' : '%d'))
  const [other] = await context.session.rows(sniffCsv(file, { ...guess.given, dateFormat: swapped }, guess.reading, guess.compression))
  return other && String(other['types']) === guess.types ? null : format
}

function mostCommon(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0]
}

const UNITS: readonly (readonly [string, number])[] = [
  ['week', 7 * 24 * 3600 * 1000],
  ['day', 24 * 3600 * 1000],
  ['hour', 3600 * 1000],
  ['minute', 60 * 1000],
  ['second', 1000],
  ['millisecond', 1],
]

/** `interval 2 weeks 3 days` in milliseconds; undefined for anything else, as months, of which none is as long as the other. */
export function parseInterval(text: string | undefined): number | undefined {
  const words = (text ?? '')
    .toLowerCase()
    .trim()
    .replace(/^interval\s+/, '')
  const parts = [...words.matchAll(/(\d+)\s+([a-z]+?)s?(?=\s|$)/g)]
  if (parts.length === 0 || words.replaceAll(/\d+\s+[a-z]+/g, '').trim() !== '') return undefined
  return parts.reduce<number | undefined>((sum, [, count, unit]) => {
    const factor = UNITS.find(([name]) => name === unit)?.[1]
    return sum === undefined || factor === undefined ? undefined : sum + Number(count) * factor
  }, 0)
}

/** What a table promises to keep: for ever where its property is there and not understood, since somebody counts on it. */
export function parseRetention(text: string | undefined, absentMs: number): number {
  return text === undefined ? absentMs : (parseInterval(text) ?? Number.POSITIVE_INFINITY)
}

/** Milliseconds as the table property that other writers read, in the largest unit that is exact. */
export function intervalText(milliseconds: number): string {
  const [name, factor] = UNITS.find(([, size]) => milliseconds % size === 0) ?? ['millisecond', 1]
  return `interval ${Math.round(milliseconds / factor)} ${name}s`
}

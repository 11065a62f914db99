const UNITS: readonly (readonly [string, number])[] = [
  ['week', 7 * 24 * 3600 * 1000],
  ['day', 24 * 3600 * 1000],
  ['hour', 3600 * 1000],
  ['minute', 60 * 1000],
  ['second', 1000],
  ['millisecond', 1],
]

/** `interval 7 days` in milliseconds; undefined for anything else. */
export function parseInterval(text: string | undefined): number | undefined {
  const [, count, unit] = /^\s*(?:interval\s+)?(\d+)\s+([a-z]+?)s?\s*$/i.exec(text ?? '') ?? []
  const factor = UNITS.find(([name]) => name === unit?.toLowerCase())?.[1]
  return count === undefined || factor === undefined ? undefined : Number(count) * factor
}

/** Milliseconds as the table property that other writers read, in the largest unit that is exact. */
export function intervalText(milliseconds: number): string {
  const [name, factor] = UNITS.find(([, size]) => milliseconds % size === 0) ?? ['millisecond', 1]
  return `interval ${Math.round(milliseconds / factor)} ${name}s`
}

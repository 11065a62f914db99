const QUOTED = /[",\r\n]|^\s|\s$|^$/

/** One line of CSV (RFC 4180): null is nothing, an empty string is quoted, so that the two can be told apart. */
export function csvLine(values: readonly (string | null)[]): string {
  return values.map((value) => (value === null ? '' : field(value))).join(',')
}

function field(value: string): string {
  return QUOTED.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

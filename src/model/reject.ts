import type { TableConfig } from './table.ts'

/** Why a row is rejected, unless an expectation says it. */
export const REJECT_RULES = ['type', 'ragged', 'quote', 'encoding', 'json', 'key', 'sequence', 'tie', 'constraint'] as const

/** Whether a file may reject rows and load all the same. */
export function mayReject({ maxBadRows }: TableConfig): boolean {
  return typeof maxBadRows === 'number' ? maxBadRows > 0 : maxBadRows.share > 0
}

/** Whether values of one type may be values of another, each by itself: numbers, and texts. */
export function isByValue(from: string, to: string): boolean {
  return (NUMBER.test(from) && NUMBER.test(to)) || (from === 'VARCHAR' && !/^(STRUCT|MAP)\b|\]$/.test(to))
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*\)|FLOAT|DOUBLE)$/

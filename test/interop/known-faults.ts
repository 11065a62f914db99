import type { Filter, ReaderName } from './readers.ts'

interface Fault {
  readonly reader: ReaderName
  readonly why: string
  readonly applies: (filter: Filter) => boolean
}

/** Wrong answers of a reader that no table can prevent; each was seen on a file without any statistics in the log. */
const FAULTS: readonly Fault[] = []

export function known(reader: ReaderName, filter: Filter): boolean {
  return FAULTS.some((fault) => fault.reader === reader && fault.applies(filter))
}

/** Fixtures that a reader cannot read, as they were made or after any append. */
const UNREADABLE: Readonly<Record<string, Readonly<Partial<Record<ReaderName, string>>>>> = {}

export function unreadable(reader: ReaderName, fixture: string): boolean {
  return UNREADABLE[fixture]?.[reader] !== undefined
}

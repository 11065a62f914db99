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

const MAPPED_PARTITIONS = 'gives NULL for partition columns of mapped tables (duckdb-delta issue 50)'
const NO_VOID = 'leaves columns of type void out'
const NANOSECONDS = 'reads INT96 as nanoseconds of 64 bits, so that years before 1678 and after 2261 become others'
const NO_WIDENING = 'refuses the feature typeWidening'

/** Fixtures that a reader cannot read, as they were made or after any append, and why. */
const UNREADABLE: Readonly<Record<string, Readonly<Partial<Record<ReaderName, string>>>>> = {
  char_and_void: { spark: NO_VOID, spark4: NO_VOID },
  cloned: { duckdb: 'opens no absolute path that has an escape' },
  mapped_partitioned: { duckdb: MAPPED_PARTITIONS },
  types: { 'delta-rs': NANOSECONDS },
  type_widening: { 'delta-rs': NO_WIDENING, spark: `${NO_WIDENING}, which Delta 3.3 has as a preview only` },
}

export function unreadable(reader: ReaderName, fixture: string): boolean {
  return UNREADABLE[fixture]?.[reader] !== undefined
}

import { mapType, parseType, typeText } from './type-text.ts'

/** What Delta has no type for, as the nearest type that keeps every value exactly. */
const REPLACED: Readonly<Record<string, string>> = {
  UTINYINT: 'SMALLINT',
  USMALLINT: 'INTEGER',
  UINTEGER: 'BIGINT',
  UBIGINT: 'DECIMAL(20,0)',
  HUGEINT: 'DECIMAL(38,0)',
  UHUGEINT: 'DECIMAL(38,0)',
  TIMESTAMP_S: 'TIMESTAMP',
  TIMESTAMP_MS: 'TIMESTAMP',
  TIMESTAMP_NS: 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMP WITH TIME ZONE',
  DATETIME: 'TIMESTAMP',
  TIMESTAMP_NTZ: 'TIMESTAMP',
  // Other spellings of what a user may write under `columns`.
  BOOL: 'BOOLEAN',
  LOGICAL: 'BOOLEAN',
  INT1: 'TINYINT',
  INT2: 'SMALLINT',
  SHORT: 'SMALLINT',
  INT: 'INTEGER',
  INT4: 'INTEGER',
  SIGNED: 'INTEGER',
  INT8: 'BIGINT',
  LONG: 'BIGINT',
  REAL: 'FLOAT',
  FLOAT4: 'FLOAT',
  FLOAT8: 'DOUBLE',
  'DOUBLE PRECISION': 'DOUBLE',
  DEC: 'DECIMAL(18,3)',
  DECIMAL: 'DECIMAL(18,3)',
  NUMERIC: 'DECIMAL(18,3)',
  BYTEA: 'BLOB',
  BINARY: 'BLOB',
  VARBINARY: 'BLOB',
}

/** Types that a Delta table holds as they are; everything else (TIME, UUID, ENUM, JSON, INTERVAL, BIT, NULL …) is text. */
const STORED =
  /^(BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL\(\d+, *\d+\)|VARCHAR|BLOB|DATE|TIMESTAMP|TIMESTAMP WITH TIME ZONE)$/

/**
 * The type under which a Delta table stores a DuckDB type, as DuckDB names it; nested types part by part.
 * TIMESTAMP is kept as Delta's timestamp_ntz; who wants naive times as UTC asks `zonedType`.
 */
export function storableType(duckdbType: string): string {
  return typeText(mapType(parseType(duckdbType), storedPlain))
}

/** The same type with naive timestamps as TIMESTAMP WITH TIME ZONE, nested ones too. */
export function zonedType(duckdbType: string): string {
  return typeText(
    mapType(parseType(duckdbType), (plain) => (/^(TIMESTAMP(_S|_MS|_NS)?|DATETIME)$/i.test(plain) ? 'TIMESTAMP WITH TIME ZONE' : plain)),
  )
}

function storedPlain(plain: string): string {
  const upper = plain
    .toUpperCase()
    .replace(/^(DEC|NUMERIC|DECIMAL)\((\d+)(?:, *(\d+))?\)$/, (_, _name, width, scale) => `DECIMAL(${width},${scale ?? 0})`)
  const replaced = REPLACED[upper] ?? upper
  return STORED.test(replaced) ? replaced : 'VARCHAR'
}

import type { FormatName } from '../model/table.ts'
import type { FormatEntry, OptionKind } from './format.ts'

const COMPRESSION: OptionKind = ['auto', 'none', 'gzip', 'zstd']

/** Names of DuckDB's CSV reader, and those that users of other loaders write. Nothing here makes the reader drop rows. */
const CSV_OPTIONS: Readonly<Record<string, OptionKind>> = {
  delimiter: 'string',
  delim: 'string',
  sep: 'string',
  header: 'boolean',
  names: 'strings',
  quote: 'string',
  escape: 'string',
  null_values: 'strings',
  nullstr: 'strings',
  allow_quoted_nulls: 'boolean',
  force_not_null: 'strings',
  date_format: 'string',
  dateformat: 'string',
  timestamp_format: 'string',
  timestampformat: 'string',
  decimal_separator: [',', '.'],
  thousands: 'string',
  encoding: 'string',
  compression: COMPRESSION,
  skip: 'integer',
  comment: 'string',
  null_padding: 'boolean',
  strict_mode: 'boolean',
  max_line_size: 'integer',
  maximum_line_size: 'integer',
  sample_size: 'integer',
  parallel: 'boolean',
}

const JSON_OPTIONS: Readonly<Record<string, OptionKind>> = {
  date_format: 'string',
  dateformat: 'string',
  timestamp_format: 'string',
  timestampformat: 'string',
  compression: COMPRESSION,
  maximum_object_size: 'integer',
  maximum_depth: 'integer',
  sample_size: 'integer',
  convert_strings_to_integers: 'boolean',
  flatten: 'boolean',
  flatten_separator: 'string',
}

const PARQUET_OPTIONS: Readonly<Record<string, OptionKind>> = { binary_as_string: 'boolean' }

/** Every landing format by its name in the config. Adding one is a file beside this one and a line here. */
export const FORMATS: Readonly<Record<FormatName, FormatEntry>> = {
  csv: { suffixes: withCompression('.csv', '.tsv'), options: CSV_OPTIONS, load: async () => (await import('./csv/csv.ts')).csv },
  json: { suffixes: withCompression('.json'), options: JSON_OPTIONS, load: async () => (await import('./json/json.ts')).json },
  ndjson: {
    suffixes: withCompression('.ndjson', '.jsonl'),
    options: JSON_OPTIONS,
    load: async () => (await import('./json/json.ts')).ndjson,
  },
  parquet: { suffixes: ['.parquet'], options: PARQUET_OPTIONS, load: async () => (await import('./parquet/parquet.ts')).parquet },
  delta: { suffixes: [], options: {}, load: null },
  avro: { suffixes: ['.avro'], options: {}, load: null },
  arrow: { suffixes: ['.arrow', '.feather', '.ipc'], options: {}, load: null },
}

function withCompression(...suffixes: readonly string[]): readonly string[] {
  return suffixes.flatMap((suffix) => [suffix, `${suffix}.gz`, `${suffix}.zst`])
}

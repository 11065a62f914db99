import type { FormatName } from '../model/table.ts'
import type { Format, FormatEntry, OptionKind } from './format.ts'

const COMPRESSION: OptionKind = ['auto', 'none', 'gzip', 'zstd', 'bzip2', 'zip']

/** Of archives. */
const ARCHIVE_OPTIONS: Readonly<Record<string, OptionKind>> = { members: 'strings', max_unpacked_size: 'integer' }

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
  skip_footer: 'integer',
  ...ARCHIVE_OPTIONS,
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
  ...ARCHIVE_OPTIONS,
}

const PARQUET_OPTIONS: Readonly<Record<string, OptionKind>> = { binary_as_string: 'boolean', ...ARCHIVE_OPTIONS }

/** How the commits of a Delta table are followed. */
const DELTA_OPTIONS: Readonly<Record<string, OptionKind>> = {
  changes: ['inserts', 'all'],
  skip_change_commits: 'boolean',
  starting_version: 'integer',
  initial_snapshot: 'boolean',
}

/** Of formats whose records are lines. */
const LINE_OPTIONS: Readonly<Record<string, OptionKind>> = {
  skip: 'integer',
  skip_footer: 'integer',
  comment: 'string',
  encoding: 'string',
  compression: COMPRESSION,
  null_values: 'strings',
  date_format: 'string',
  timestamp_format: 'string',
  decimal_separator: [',', '.'],
  thousands: 'string',
  max_line_size: 'integer',
  ...ARCHIVE_OPTIONS,
}

const FIXED_WIDTH_OPTIONS: Readonly<Record<string, OptionKind>> = {
  fields: 'fields',
  widths: 'integers',
  names: 'strings',
  header: 'boolean',
  trim: ['both', 'left', 'right', 'none'],
  short_lines: ['fail', 'pad'],
  ...LINE_OPTIONS,
}

const REGEX_OPTIONS: Readonly<Record<string, OptionKind>> = { pattern: 'string', on_mismatch: ['fail', 'skip'], ...LINE_OPTIONS }

const XLSX_OPTIONS: Readonly<Record<string, OptionKind>> = {
  sheet: 'strings',
  range: 'string',
  header: 'boolean',
  cell_errors: ['fail', 'empty'],
  ...ARCHIVE_OPTIONS,
}

/** Every landing format by its name in the config. Adding one is a file beside this one and a line here. */
export const FORMATS: Readonly<Record<FormatName, FormatEntry>> = {
  csv: file(withCompression('.csv', '.tsv'), CSV_OPTIONS, async () => (await import('./csv/csv.ts')).csv),
  json: file(withCompression('.json'), JSON_OPTIONS, async () => (await import('./json/json.ts')).json),
  ndjson: file(withCompression('.ndjson', '.jsonl'), JSON_OPTIONS, async () => (await import('./json/json.ts')).ndjson),
  parquet: file(['.parquet', '.parquet.zip'], PARQUET_OPTIONS, async () => (await import('./parquet/parquet.ts')).parquet),
  delta: { suffixes: [], options: DELTA_OPTIONS, load: async () => (await import('./delta-source.ts')).deltaSource },
  avro: { suffixes: ['.avro'], options: {}, load: async () => (await import('./avro/avro.ts')).avro },
  arrow: { suffixes: ['.arrow', '.arrows', '.feather', '.ipc'], options: {}, load: async () => (await import('./arrow/arrow.ts')).arrow },
  fixed_width: file(withCompression('.fwf'), FIXED_WIDTH_OPTIONS, async () => (await import('./lines/fixed-width.ts')).fixedWidth),
  regex: file(withCompression('.log'), REGEX_OPTIONS, async () => (await import('./lines/regex.ts')).regex),
  xlsx: file(['.xlsx', '.xlsm'], XLSX_OPTIONS, async () => (await import('./xlsx/xlsx.ts')).xlsx),
}

/** A format of files, which may stand in archives. */
function file(suffixes: readonly string[], options: FormatEntry['options'], load: () => Promise<Format>): FormatEntry {
  return {
    suffixes,
    options,
    load: async () => {
      const [format, { withArchives }, { withDecodedText }] = await Promise.all([
        load(),
        import('./archives.ts'),
        import('./decoded-text.ts'),
      ])
      return withArchives(options['encoding'] === undefined ? format : withDecodedText(format), suffixes)
    },
  }
}

function withCompression(...suffixes: readonly string[]): readonly string[] {
  return suffixes.flatMap((suffix) => [suffix, `${suffix}.gz`, `${suffix}.zst`, `${suffix}.bz2`, `${suffix}.zip`])
}

import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import type { Column } from '../../model/schema.ts'
import { zonedType } from '../../model/storable-type.ts'
import { culprits } from '../culprits.ts'
import { messageOf, namedFile } from '../engine-message.ts'
import { fileList, withPath } from '../file-list.ts'
import type { FileGroup, Format, FormatContext, ReadColumn, SourceFile } from '../format.ts'
import { flagOption } from '../options.ts'
import { unified } from '../sample.ts'
import { fitting } from '../sort-out.ts'
import { finiteTime, fromText, hasEndless, ISO_RULES, triedText } from '../values.ts'
import { widest } from '../widest.ts'
import { inspectParquet } from './inspect.ts'
import { parquetProblem } from './problem.ts'
import { convertedValue, parquetRejecting } from './rejects.ts'

/** Parquet: the files themselves say what their columns are. */
export const parquet: Format = {
  name: 'parquet',
  inspect: inspectParquet,
  infer: inferParquet,
  relation: parquetRelation,
  value: (type, text, _context, lenient) => fromText(type, text, ISO_RULES, lenient),
  tried: (type, text) => triedText(type, text, ISO_RULES),
  diagnose: diagnoseParquet,
  rejecting: parquetRejecting((group, context) => withPath(group, raw('*'), (naming) => readParquet(group.files, context, naming))),
}

function parquetRelation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const own = new Map(group.columns.map(({ name, type }) => [name, type]))
  if (group.sifted !== undefined) {
    const read = join(columns.map(({ name }) => id(name)))
    const rows = withPath(group, read, (naming) => readParquet(group.files, context, naming))
    return fitting(rows, columns, (type, value, name) => convertedValue(value, own.get(name) ?? null, type))
  }
  const values = columns.map(({ name, type }) => {
    const value = own.get(name) === type ? id(name) : sql`${id(name)}::${raw(type)}`
    return sql`${hasEndless(type) ? finiteTime(name, value) : value} as ${id(name)}`
  })
  return withPath(group, join(values), (naming) => readParquet(group.files, context, naming))
}

function readParquet(files: readonly SourceFile[], { table }: FormatContext, more: readonly Sql[]): Sql {
  const binary = flagOption(table, 'binary_as_string') ? [sql`binary_as_string = true`] : []
  return sql`read_parquet(${join([fileList(files), sql`hive_partitioning = false`, sql`union_by_name = false`, ...binary, ...more])})`
}

/** Types of the files, widened where files differ: the engine unifies an empty read of one file of each group. */
async function inferParquet(groups: readonly FileGroup[], { session }: FormatContext): Promise<readonly Column[]> {
  const types: Column[] = []
  for (const name of unified(groups)) {
    const own = groups.flatMap((group) => group.columns.filter((column) => column.name.toLowerCase() === name.toLowerCase()))
    const distinct = [...new Set(own.map(({ type }) => type ?? 'VARCHAR'))]
    types.push({ name, type: await widest(distinct.map(zonedType), session) })
  }
  return types
}

/** Reads the files by halves, since a damaged page is reported without a file. */
async function diagnoseParquet(
  group: FileGroup,
  columns: readonly ReadColumn[],
  _error: unknown,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const works = (files: readonly SourceFile[]) => {
    context.signal.throwIfAborted()
    return context.session.rows(
      sql`select bit_xor(hash(record)) from (${parquetRelation({ ...group, files }, columns, context)}) as record`,
    )
  }
  const found = await culprits(group.files, works, (error) => namedFile(messageOf(error), group.files))
  return found.map(({ file, error }) => parquetProblem(file, messageOf(error)))
}

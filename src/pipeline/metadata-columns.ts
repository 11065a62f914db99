import { id, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import type { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, ReadColumn, Rejecting, Sifted, SourceFile } from '../formats/format.ts'
import type { Batch } from '../model/batch.ts'
import type { Column } from '../model/schema.ts'
import { fileColumnNames, MEMBER_COLUMN, type MetadataColumn, type PathColumn, type TableConfig } from '../model/table.ts'
import { pathConstants, pathProblem, pathType, pathValue, wrongPathValues } from './path-columns.ts'
import { shiftsOf } from './rejected-rows.ts'

/** Columns that are told here; the member is told by the format that unpacks it. */
type ToldColumn = Exclude<MetadataColumn, typeof MEMBER_COLUMN>

const TYPES: Readonly<Record<ToldColumn, string>> = {
  _file_path: 'VARCHAR',
  _file_name: 'VARCHAR',
  _file_size: 'BIGINT',
  _file_modified_time: 'TIMESTAMP WITH TIME ZONE',
  _file_row_number: 'BIGINT',
  _batch_number: 'BIGINT',
}

interface Asked {
  readonly table: TableConfig
  readonly batch: Pick<Batch, 'number'>
  /** Numbers of the rows of a file, from 0, where they are not those in which its rows come. */
  readonly rowNumbers?: ReadonlyMap<string, readonly bigint[]> | undefined
}

/**
 * A format whose files also have the columns that `metadata_columns` and `path_columns` ask for, so that all that follows
 * takes them for columns of the files: names, types, partitions, `delete_when`. The format itself where none are asked for.
 */
export function withFileColumns(format: Format, asked: Asked): Format {
  if (fileColumnNames(asked.table).length === 0) return format
  const columns = new FileColumns(asked)
  const { rejecting, lineOf } = format
  return {
    ...format,
    inspect: async (files, context) => {
      const { groups, failed, reader } = await format.inspect(files, context)
      const kept = columns.told(groups)
      return { reader, groups: kept.groups.map((group) => columns.added(group)), failed: [...failed, ...kept.failed] }
    },
    infer: async (groups, context) => [
      ...(await format.infer(
        groups.map((group) => columns.removed(group)),
        context,
      )),
      ...columns.inferred(groups),
    ],
    relation: (group, read, context) =>
      columns.relation(group, read, format.relation(columns.removed(group), columns.ofFiles(read), context)),
    diagnose: async (group, read, error, context) => {
      const wrong = await columns.wrong(group, read, context)
      return wrong.length > 0 ? wrong : format.diagnose(columns.removed(group), columns.ofFiles(read), error, context)
    },
    ...(rejecting === undefined ? {} : { rejecting: columns.rejecting(rejecting) }),
    ...(lineOf === undefined
      ? {}
      : { lineOf: (file, row, { group, context }) => lineOf.call(format, file, row, { group: columns.removed(group), context }) }),
  }
}

/** The columns of a table that `metadata_columns` fills, by their names in the table. */
export function metadataNames(
  { metadataColumns, renameColumns }: Pick<TableConfig, 'metadataColumns' | 'renameColumns'>,
  columns: readonly Column[],
): readonly string[] {
  const renames = new Map(Object.entries(renameColumns).map(([from, to]) => [from.toLowerCase(), to]))
  const names = new Set(metadataColumns.map((name) => (renames.get(name) ?? name).toLowerCase()))
  return columns.map(({ name }) => name).filter((name) => names.has(name.toLowerCase()))
}

class FileColumns {
  readonly #asked: Asked
  readonly #paths: ReadonlyMap<string, PathColumn>
  readonly #metadata: ReadonlyMap<string, ToldColumn>

  constructor(asked: Asked) {
    this.#asked = asked
    this.#paths = new Map(asked.table.pathColumns.map((column) => [column.name, column]))
    this.#metadata = new Map(asked.table.metadataColumns.filter((name) => name !== MEMBER_COLUMN).map((name) => [name, name]))
  }

  /** The groups without the files whose path does not tell a column. */
  told(groups: readonly FileGroup[]): { readonly groups: readonly FileGroup[]; readonly failed: readonly FileError[] } {
    const failed = new Map<SourceFile, FileError>()
    for (const file of groups.flatMap(({ files }) => files)) {
      const problem = pathProblem(file.path, this.#asked.table.pathColumns)
      if (problem !== undefined) failed.set(file, problem)
    }
    if (failed.size === 0) return { groups, failed: [] }
    const kept = groups.map((group) => ({ ...group, files: group.files.filter((file) => !failed.has(file)) }))
    return { groups: kept.filter(({ files }) => files.length > 0), failed: [...failed.values()] }
  }

  added(group: FileGroup): FileGroup {
    const paths = [...this.#paths.keys()].map((name) => ({ name, type: null }))
    const metadata = [...this.#metadata.keys()].map((name) => ({ name, type: TYPES[name as ToldColumn] }))
    return { ...group, columns: [...group.columns, ...paths, ...metadata] }
  }

  /** The group as its format made it. */
  removed(group: FileGroup): FileGroup {
    return { ...group, columns: group.columns.filter(({ name }) => !this.#isOwn(name)) }
  }

  rejecting(inner: Rejecting): Rejecting {
    return {
      isAligned: () => inner.isAligned(),
      isByValue: inner.isByValue === true,
      sortOut: (group, columns, to, context) => inner.sortOut(this.removed(group), this.ofFiles(columns), to, context),
      place: (group, rows, context) => inner.place(this.removed(group), rows, context),
    }
  }

  ofFiles(columns: readonly ReadColumn[]): readonly ReadColumn[] {
    return columns.filter(({ name }) => !this.#isOwn(name))
  }

  inferred(groups: readonly FileGroup[]): readonly ReadColumn[] {
    const files = groups.flatMap((group) => group.files)
    const paths = [...this.#paths.values()].map((column) => ({
      name: column.name,
      type: this.#asked.table.inferTypes ? pathType(files.map(({ path }) => pathValue(path, column) ?? null)) : 'VARCHAR',
    }))
    const asked = new Set(groups.flatMap((group) => group.columns.map(({ name }) => name)))
    return [...paths, ...[...this.#metadata.values()].map((name) => ({ name, type: TYPES[name] }))].filter(({ name }) => asked.has(name))
  }

  #isOwn(name: string): boolean {
    return this.#paths.has(name) || this.#metadata.has(name)
  }

  /** Values are taken by the file's position, since a join would not keep the order of rows. */
  relation({ files, sifted }: FileGroup, columns: readonly ReadColumn[], rows: Sql): Sql {
    const values = columns.map(({ name, type }) => {
      const value = this.#value(name, type, files)
      return value === undefined ? id(name) : sql`${value} as ${id(name)}`
    })
    return sql`select ${join([...values, raw('__path, __index')])} from (${this.#metadata.has('_file_row_number') ? numberedInFile(rows, sifted) : rows})`
  }

  async wrong({ files }: FileGroup, columns: readonly ReadColumn[], { session }: FormatContext): Promise<readonly FileError[]> {
    const found = new Map<string, FileError>()
    for (const read of columns) {
      const column = this.#paths.get(read.name)
      if (column === undefined) continue
      const paths = files.map(({ path }) => path).filter((path) => !found.has(path))
      for (const error of await wrongPathValues(paths, column, read, session)) found.set(error.file, error)
    }
    return [...found.values()]
  }

  #value(name: string, type: string, files: readonly SourceFile[]): Sql | undefined {
    const column = this.#paths.get(name)
    if (column !== undefined) {
      const values = files.map(({ path }) => pathValue(path, column) ?? null)
      return ofFile(values, (some) => pathConstants(some, type))
    }
    const metadata = this.#metadata.get(name)
    return metadata === undefined ? undefined : sql`(${this.#metadataValue(metadata, files)})::${raw(type)}`
  }

  #metadataValue(name: ToldColumn, files: readonly SourceFile[]): Sql {
    const texts = (of: (file: SourceFile) => string) => ofFile(files.map(of), literalList)
    const numbers = (of: (file: SourceFile) => bigint) => ofFile(files.map(of), (values) => raw(`[${values.join(', ')}]::bigint[]`))
    switch (name) {
      case '_file_path':
        return raw('__path')
      case '_file_name':
        return texts(({ path }) => path.slice(path.lastIndexOf('/') + 1))
      case '_file_size':
        return numbers(({ size }) => size)
      case '_file_modified_time':
        return sql`make_timestamptz(${numbers(({ modifiedNs }) => modifiedNs / 1000n)})`
      case '_file_row_number':
        return this.#rowNumber(files)
      case '_batch_number':
        return literal(String(this.#asked.batch.number))
    }
  }

  #rowNumber(files: readonly SourceFile[]): Sql {
    const { rowNumbers } = this.#asked
    if (rowNumbers === undefined) return raw('__index_number')
    const lists = files.map(({ path }) => `[${(rowNumbers.get(path) ?? []).join(', ')}]`)
    return raw(`([${lists.join(', ')}]::bigint[][])[__index + 1][__index_number] + 1`)
  }
}

/** The value of a row's file; a single one where it is the same for all. */
function ofFile<T>(values: readonly T[], list: (values: readonly T[]) => Sql): Sql {
  const [first] = values
  const isSame = values.every((value) => value === first)
  return isSame && first !== undefined ? sql`(${list([first])})[1]` : sql`(${list(values)})[__index + 1]`
}

/** Rows numbered from 1 in their file, also where some of them were left out; then they are put in order again. */
function numberedInFile(rows: Sql, sifted: Sifted | undefined): Sql {
  if (sifted === undefined) return numbered(rows)
  return sql`select r.* replace (r.__index_number + coalesce(s.shift, 0) as __index_number)
    from (${numbered(rows)}) as r asof left join (${shiftsOf(sifted.rejects)}) as s on s.path = r.__path and r.__index_number - 1 >= s.at
    order by __index, __index_number`
}

/** Rows numbered from 1 in their file, while they stream by. */
function numbered(rows: Sql): Sql {
  const all = sql`select *, row_number() over () as __index_n from (${rows})`
  const starts = sql`select *, case when lag(__index) over () is distinct from __index then __index_n end as __index_start from (${all})`
  return sql`select *, __index_n - max(__index_start) over (rows between unbounded preceding and current row) + 1 as __index_number from (${starts})`
}

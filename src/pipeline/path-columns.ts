import type { Session } from '../engine/engine.ts'
import { literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { Column } from '../model/schema.ts'
import type { PathColumn } from '../model/table.ts'

/** What Hive and Spark write where a value is null. */
const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'

/** The text of a column in a path, null where the path says that there is none; undefined where it does not tell. */
export function pathValue(path: string, { name, pattern }: PathColumn): string | null | undefined {
  if (pattern === null) return folderValue(path, name)
  const match = new RegExp(pattern, 'u').exec(path)
  if (match === null) return undefined
  const { groups } = match
  if (groups !== undefined && Object.hasOwn(groups, name)) return groups[name] ?? null
  return (match.length > 1 ? match[1] : match[0]) ?? null
}

/** The value of the deepest folder `name=value`, as Hive and Spark escape it. */
function folderValue(path: string, name: string): string | null | undefined {
  const start = `${name.toLowerCase()}=`
  const folder = path
    .split('/')
    .slice(0, -1)
    .findLast((part) => part.toLowerCase().startsWith(start))
  if (folder === undefined) return undefined
  const value = unescaped(folder.slice(start.length))
  return value === '' || value === HIVE_NULL ? null : value
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A plain percent sign, which nobody escaped.
    return text
  }
}

/** The error of a file whose path does not tell a column. */
export function pathProblem(path: string, columns: readonly PathColumn[]): FileError | undefined {
  const untold = columns.find((column) => pathValue(path, column) === undefined)
  if (untold === undefined) return undefined
  const { name, pattern } = untold
  const what = pattern === null ? `no folder of its path is named ${name}=…` : `its path does not match ${pattern}`
  return new FileError('ING-FILE-PATH', path, `${path}: ${what}, so that column ${name} is not told`, {
    hint: 'move the file, or write a path_columns pattern whose group is optional: (…(?<name>…))?',
  })
}

const INTEGER = /^-?(0|[1-9]\d{0,17})$/
const DATE = /^\d{4}-\d{2}-\d{2}$/

/** The type of texts that paths tell: BIGINT and DATE where all are exactly that, so that leading zeros stay. */
export function pathType(values: readonly (string | null)[]): string {
  const texts = values.filter((value) => value !== null)
  if (texts.length === 0) return 'VARCHAR'
  if (texts.every((text) => INTEGER.test(text))) return 'BIGINT'
  return texts.every((text) => DATE.test(text) && isDay(text)) ? 'DATE' : 'VARCHAR'
}

function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

/** Texts as values of a type, in a list constant; what would be rounded is a conversion error like what cannot be read. */
export function pathConstants(values: readonly (string | null)[], type: string): Sql {
  if (type === 'VARCHAR') return sql`${nullableList(values)}::varchar[]`
  return sql`list_transform(${nullableList(values)}::varchar[], lambda v: case when ${isExact(raw('v'), type)} then v::${raw(type)}
    when ('inexact: ' || v)::bigint is null then null end)`
}

function isExact(value: Sql, type: string): Sql {
  // Numbers alone are rounded by a cast.
  return /INT|DECIMAL/.test(type) ? sql`(${value} is null or ${value}::decimal(38, 12) = ${value}::${raw(type)})` : raw('true')
}

function nullableList(values: readonly (string | null)[]): Sql {
  const texts = literalList(values.map((value) => value ?? ''))
  if (!values.includes(null)) return texts
  const isNull = raw(`[${values.map((value) => value === null).join(', ')}]`)
  return sql`list_transform(list_zip(${texts}, ${isNull}), lambda z: case when not z[2] then z[1] end)`
}

/** Errors of the files whose path tells a value that is not of its column's type. */
export async function wrongPathValues(
  paths: readonly string[],
  column: PathColumn,
  { type }: Column,
  session: Session,
): Promise<readonly FileError[]> {
  const told = paths.map((path) => ({ path, value: pathValue(path, column) ?? null }))
  const found = await session.rows(sql`select path, value from (
    select unnest(${literalList(told.map(({ path }) => path))}) as path, unnest(${nullableList(told.map(({ value }) => value))}) as value)
    where value is not null and not coalesce(try(${isExact(raw('value'), type)}), false) or (value is not null and try_cast(value as ${raw(type)}) is null)`)
  return found.map(
    ({ path, value }) =>
      new FileError(
        'ING-FILE-PATH',
        String(path),
        `${String(path)}: column ${column.name} of its path: '${String(value)}' is not ${type}`,
        {
          hint: `move the file, or write the type that fits: columns: {${column.name}: VARCHAR}`,
        },
      ),
  )
}

import { engineFailure } from '../engine/failure.ts'
import { id, join, type Sql, sql } from '../engine/sql.ts'
import type { ErrorCode } from '../errors/codes.ts'
import { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, Sifted } from '../formats/format.ts'
import { mayReject } from '../model/reject.ts'
import type { SchemaMode } from '../model/schema.ts'
import { schemaModeOf, type TableConfig } from '../model/table.ts'
import { parseType } from '../model/type-text.ts'
import type { TableState } from '../stores/store.ts'
import { carefulColumns } from './careful.ts'
import { unknownFields, widenedType } from './fit.ts'
import { without } from './isolate.ts'
import { firstFile, type GrownColumns, grownColumns, type TypesOfFiles } from './schema-modes.ts'
import { retyped, type Shape, type ShapedGroup } from './shape.ts'

/*
 * Text says nothing of its types until it is read. So files are read as the table has them, which nearly all fit, and those
 * that fail for a value are looked at again: what is in them that the table lacks, and what their modes make of that.
 */

interface Look {
  /** Where rows may be rejected: how files are read without those that are ill-formed. */
  readonly sifted?: Sifted | undefined
  readonly table: TableConfig
  readonly state: TableState | null
  readonly format: Format
  readonly context: FormatContext
}

const SIFTED: readonly ErrorCode[] = ['ING-FILE-VALUE', 'ING-FILE-RAGGED-ROW', 'ING-FILE-FORMAT', 'ING-FILE-ENCODING', 'ING-FILE-JSON']

/** Files of one group that failed for a value. */
interface Part {
  readonly one: ShapedGroup
  readonly group: FileGroup
  /** Columns that do not fit, by the path of the file. */
  readonly odd: ReadonlyMap<string, readonly Suspect[]>
  /** Files with values that do not fit, though fields that the table lacks are left out. */
  readonly misfits: ReadonlySet<string>
}

/** A column whose values may not fit. */
interface Suspect {
  readonly source: string
  readonly target: string
  readonly type: string
}

/** The shape with which files that failed are tried again; undefined where their modes make nothing of it. */
export async function secondLook(shape: Shape, culprits: readonly FileError[], look: Look): Promise<Shape | undefined> {
  // A file that has ill-formed rows may have values that do not fit as well.
  const codes: readonly ErrorCode[] = look.sifted === undefined ? ['ING-FILE-VALUE'] : SIFTED
  const failed = new Set(culprits.filter(({ code }) => codes.includes(code)).map(({ file }) => file))
  const parts: Part[] = []
  for (const one of shape.groups) {
    const files = one.group.files.filter((file) => failed.has(file.path))
    if (files.length > 0 && one.careful.length === 0 && one.group.sifted === undefined)
      parts.push(await readablePart(one, { ...one.group, files }, look))
  }
  return (await grownShape(shape, parts, look)) ?? (await carefulShape(shape, parts, look))
}

/** Whether the mode of some column may make something of a value that does not fit. */
export function hasModes({ groups }: Shape, table: TableConfig): boolean {
  const isLooked = ({ group, careful }: ShapedGroup) => !group.empty && group.sifted === undefined && careful.length === 0
  return groups.some(
    (one) =>
      isLooked(one) &&
      [...one.sources].some(([target, source]) => {
        const type = one.columns.find(({ name }) => name === source)?.type ?? 'VARCHAR'
        const mode = schemaModeOf(table, target)
        return type !== 'VARCHAR' && (mode === 'rescue' || mode === 'widen' || (mode !== 'fail' && parseType(type).kind !== 'plain'))
      }),
  )
}

/** Files that cannot be read as texts either are left out: what is wrong with them is known. */
async function readablePart(one: ShapedGroup, group: FileGroup, look: Look): Promise<Part> {
  try {
    return await partOf(one, group, look)
  } catch (error) {
    const foreign = engineFailure(error)
    if (foreign && !(foreign instanceof FileError)) throw foreign
    const { files } = group
    if (files.length === 1) return { one, group: { ...group, files: [] }, odd: new Map(), misfits: new Set() }
    const middle = Math.ceil(files.length / 2)
    const first = await readablePart(one, { ...group, files: files.slice(0, middle) }, look)
    const second = await readablePart(one, { ...group, files: files.slice(middle) }, look)
    return {
      one,
      group: { ...group, files: [...first.group.files, ...second.group.files] },
      odd: new Map([...first.odd, ...second.odd]),
      misfits: new Set([...first.misfits, ...second.misfits]),
    }
  }
}

async function partOf(one: ShapedGroup, group: FileGroup, { table, format, context, sifted }: Look): Promise<Part> {
  const targets = new Map([...one.sources].map(([target, source]) => [source, target]))
  const isText = new Set(group.columns.filter(({ type }) => type === null).map(({ name }) => name))
  const columns = one.columns.flatMap(({ name, type }) => {
    const target = targets.get(name)
    return target === undefined || type === 'VARCHAR' || !isText.has(name) ? [] : [{ source: name, target, type }]
  })
  if (columns.length === 0) return { one, group, odd: new Map(), misfits: new Set() }
  const isOdd = ({ source }: Suspect, value: Sql) => sql`coalesce(bool_or(${id(source)} is not null and ${value} is null), false)`
  const withoutUnknown = ({ source, type }: Suspect) => sql`try(${format.value(type, id(source), context, { fields: true })})`
  const counts = columns.map(
    (column, index) => sql`${isOdd(column, format.tried(column.type, id(column.source), context))} as ${id(`odd${index}`)}`,
  )
  const ignoring = columns.filter((column) => isNested(column) && schemaModeOf(table, column.target) === 'ignore')
  const misfits = join([sql`false`, ...ignoring.map((column) => isOdd(column, withoutUnknown(column)))], ' or ')
  const rows = await context.session.rows(
    sql`select __path as path, ${join(counts)}, ${misfits} as misfit from (${textsOf(group, columns, { format, context, sifted })}) group by __path`,
  )
  const odd = new Map(rows.map((row) => [String(row['path']), columns.filter((_, index) => row[`odd${index}`] === true)]))
  return { one, group, odd, misfits: new Set(rows.flatMap((row) => (row['misfit'] === true ? [String(row['path'])] : []))) }
}

function textsOf(
  group: FileGroup,
  columns: readonly Suspect[],
  { format, context, sifted }: Pick<Look, 'format' | 'context' | 'sifted'>,
): Sql {
  return format.relation(
    sifted === undefined ? group : { ...group, sifted },
    columns.map(({ source }) => ({ name: source, type: 'VARCHAR' })),
    context,
  )
}

/** New nested fields and wider types, for all files of the batch. */
async function grownShape(shape: Shape, parts: readonly Part[], look: Look): Promise<Shape | undefined> {
  const types: TypesOfFiles[] = []
  for (const part of parts.filter(({ group }) => group.files.length > 0)) {
    const odd = distinct([...part.odd.values()].flat())
    const fields = await fieldsOf(part, odd.filter(isNested), ['evolve', 'widen'], look)
    types.push({ file: firstFile(part.group), isInferred: true, types: fields })
    types.push({ file: firstFile(part.group), types: await widerTypes(part, odd, look) })
  }
  // Numbers of JSON are taken for large ones: types of nested fields are widened only where there is no other way.
  const asFields = types.map((one) => ({ ...one, fieldsAlone: one.isInferred === true }))
  return withTypes(shape, grownColumns(shape.columns, asFields, look)) ?? withTypes(shape, grownColumns(shape.columns, types, look))
}

function withTypes(shape: Shape, { columns, changes }: GrownColumns): Shape | undefined {
  if (columns.every((column, index) => column.type === shape.columns[index]?.type)) return undefined
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column.type]))
  return {
    ...shape,
    columns,
    newColumns: shape.newColumns.map(({ name, type }) => ({ name, type: byName.get(name.toLowerCase()) ?? type })),
    changes: [...shape.changes, ...changes],
    groups: shape.groups.map((one) => retyped(one, byName)),
  }
}

/** Types of nested columns as the files have them. */
async function fieldsOf(
  { group }: Pick<Part, 'group'>,
  columns: readonly Suspect[],
  modes: readonly SchemaMode[],
  { table, format, context }: Look,
): Promise<TypesOfFiles['types']> {
  const asked = columns.filter(({ target }) => modes.includes(schemaModeOf(table, target)))
  if (asked.length === 0) return []
  const names = new Map(asked.map(({ source, target }) => [source.toLowerCase(), target]))
  const inferred = await format.infer([{ ...group, columns: group.columns.filter(({ name }) => names.has(name.toLowerCase())) }], context)
  return inferred.flatMap(({ name, type }) => {
    const target = names.get(name.toLowerCase())
    return target === undefined ? [] : [{ target, type }]
  })
}

/** Types that hold every value of the columns of mode `widen`, where Delta can widen to them. */
async function widerTypes(part: Part, odd: readonly Suspect[], look: Look): Promise<TypesOfFiles['types']> {
  const columns = odd.filter((column) => !isNested(column) && schemaModeOf(look.table, column.target) === 'widen')
  if (columns.length === 0) return []
  const measures = columns.map((column, index) => sql`${measureOf(column, look)} as ${id(`measure${index}`)}`)
  const [row] = await look.context.session.rows(sql`select ${join(measures)} from (${textsOf(part.group, columns, look)})`)
  return columns.flatMap(({ target, type }, index) => {
    // Decoder: the struct that was asked for.
    const wanted = wantedType(type, row?.[`measure${index}`] as Measure)
    const wider = wanted === undefined ? undefined : widenedType(type, wanted)
    return wider === undefined ? [] : [{ target, type: wider }]
  })
}

/** Values that are not of a type, and digits of the numbers. */
interface Measure {
  readonly not_smallint: bigint
  readonly not_integer: bigint
  readonly not_bigint: bigint
  readonly not_double: bigint
  readonly not_timestamp: bigint
  readonly not_decimal: bigint
  readonly whole: bigint | null
  readonly fraction: bigint | null
}

function measureOf({ source }: Suspect, { format, context }: Look): Sql {
  const text = id(source)
  const as = (type: string) => format.tried(type, text, context)
  const not = (value: Sql) => sql`count(*) filter (where ${text} is not null and ${value} is null)`
  const decimal = sql`coalesce(${join(DECIMALS.map((type) => sql`${as(type)}::varchar`))})`
  const naive = sql`case when not regexp_matches(${text}, '[0-9]:[0-9].*([zZ]|UTC|[+-][0-9]{2}(:?[0-9]{2})?)\s*$') then ${as('TIMESTAMP')} end`
  return sql`{
    not_smallint: ${not(as('SMALLINT'))}, not_integer: ${not(as('INTEGER'))}, not_bigint: ${not(as('BIGINT'))},
    not_double: ${not(as('DOUBLE'))}, not_timestamp: ${not(naive)}, not_decimal: ${not(decimal)},
    whole: max(strlen(regexp_extract(${decimal}, '^-?0*([0-9]*)', 1))),
    fraction: max(strlen(rtrim(regexp_extract(${decimal}, '[.]([0-9]*)', 1), '0')))}`
}

/** Between them they hold nearly every number of up to 38 digits. */
const DECIMALS = ['DECIMAL(38,0)', 'DECIMAL(38,9)', 'DECIMAL(38,18)', 'DECIMAL(38,28)']

/** The type that the values are of, among those that a column of type `known` may become. */
function wantedType(known: string, measure: Measure): string | undefined {
  if (known === 'DATE') return measure.not_timestamp === 0n ? 'TIMESTAMP' : undefined
  if (known === 'FLOAT') return measure.not_double === 0n ? 'DOUBLE' : undefined
  if (known.startsWith('DECIMAL')) return decimalFor(measure)
  return /INT/.test(known) ? (integerFor(measure) ?? decimalFor(measure)) : undefined
}

function integerFor({ not_smallint: notSmall, not_integer: notInteger, not_bigint: notBig }: Measure): string | undefined {
  if (notSmall === 0n) return 'SMALLINT'
  if (notInteger === 0n) return 'INTEGER'
  return notBig === 0n ? 'BIGINT' : undefined
}

function decimalFor({ not_decimal: odd, whole, fraction }: Measure): string | undefined {
  const scale = Number(fraction ?? 0n)
  return odd === 0n ? `DECIMAL(${Math.max(1, Number(whole ?? 0n) + scale)},${scale})` : undefined
}

/** Files all of whose odd columns are rescued, or lack a place for nested fields that are left out, are read value by value. */
async function carefulShape(shape: Shape, parts: readonly Part[], look: Look): Promise<Shape | undefined> {
  const isCareful = (column: Suspect) => {
    const mode = schemaModeOf(look.table, column.target)
    return mode === 'rescue' || (mode === 'ignore' && isNested(column))
  }
  const groups = new Map<ShapedGroup, readonly ShapedGroup[]>()
  for (const part of parts) {
    const { one, group, odd, misfits } = part
    const isSolved = ({ path }: { readonly path: string }) => {
      const columns = odd.get(path) ?? []
      // What is left of values that do not fit is rejected, row by row.
      if (mayReject(look.table)) return columns.some(isCareful)
      return columns.length > 0 && columns.every(isCareful) && !misfits.has(path)
    }
    const files = group.files.filter(isSolved)
    if (files.length === 0) continue
    const rest = without(one, new Set(files.map(({ path }) => path)))
    const ignored = [...one.ignored, ...(await ignoredFields({ ...part, group: { ...group, files } }, look))]
    const careful = { ...one, group: { ...group, files }, careful: carefulColumns(one, one.sources, look.table), ignored }
    groups.set(one, rest.group.files.length === 0 ? [careful] : [rest, careful])
  }
  return groups.size === 0 ? undefined : { ...shape, groups: shape.groups.flatMap((one) => groups.get(one) ?? [one]) }
}

async function ignoredFields(part: Part, look: Look): Promise<readonly string[]> {
  const odd = distinct(part.group.files.flatMap(({ path }) => part.odd.get(path) ?? []))
  const types = new Map(odd.map(({ target, type }) => [target, type]))
  const found = await fieldsOf(part, odd.filter(isNested), ['ignore'], look)
  return found.flatMap(({ target, type }) => unknownFields(type, types.get(target) ?? type, target))
}

function distinct(columns: readonly Suspect[]): readonly Suspect[] {
  return [...new Set(columns)]
}

function isNested({ type }: Suspect): boolean {
  return parseType(type).kind !== 'plain'
}

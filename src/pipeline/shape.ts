import { FileError, TableError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, ReadColumn } from '../formats/format.ts'
import { isByValue, mayReject } from '../model/reject.ts'
import { AUDIT_COLUMNS, type Column, RESCUED_COLUMN, type SchemaChange, SEQUENCE_COLUMN } from '../model/schema.ts'
import { fileColumnNames, hasSchemaMode, schemaModeOf, type TableConfig } from '../model/table.ts'
import type { TableColumn, TableState } from '../stores/store.ts'
import type { KeyedTraits } from '../strategies/strategy.ts'
import { type CarefulGroup, carefulColumns } from './careful.ts'
import type { Condition } from './condition.ts'
import { declaredType, misfit } from './fit.ts'
import { checkKeys, checkOwnColumns, keyProblem } from './keys.ts'
import {
  firstFile,
  grownColumns,
  ignoredNames,
  isBeyond,
  type Mapped,
  type Problem,
  strangerProblem,
  strictProblem,
  type TypesOfFiles,
  typeProblem,
  withoutUnknown,
} from './schema-modes.ts'

/** Files and table brought together by name. */
export interface Shape {
  readonly groups: readonly ShapedGroup[]
  readonly failed: readonly FileError[]
  /** All columns of the table after this batch, audit columns last where they are new. */
  readonly columns: readonly TableColumn[]
  /** Those among `columns` that the table lacks so far. */
  readonly newColumns: readonly Column[]
  /** What is new in the columns, with the file that asked for it. */
  readonly changes: readonly SchemaChange[]
  readonly auditColumns: readonly string[]
  /** `delete_when` of a strategy for keys, whose records tell which rows mean delete; undefined for other strategies. */
  readonly deletes: Condition | null | undefined
}

/** What a strategy for keys asks of the shape. */
export interface KeyedShape {
  readonly traits: KeyedTraits
  readonly deletes: Condition | null
}

/** What files are brought into shape with. */
export interface ShapeContext extends FormatContext {
  readonly keyed?: KeyedShape | undefined
}

export interface ShapedGroup extends CarefulGroup {
  /** Column of the table, by its lower-case name → column of the file. */
  readonly sources: ReadonlyMap<string, string>
}

/** Characters that Parquet readers of Delta refuse in a name. */
const FORBIDDEN = /[ ,;{}()\n\t=]/

/**
 * Matches the columns of each group with those of the table by name, ignoring case; adds new ones or refuses them by
 * `schema_evolution`, and sets aside the files that do not fit.
 */
export async function shapeOf(
  groups: readonly FileGroup[],
  state: TableState | null,
  format: Format,
  context: ShapeContext,
): Promise<Shape> {
  const { table, keyed } = context
  const mapped = groups.map((group) => mapColumns(group, table))
  const failed: FileError[] = []
  const known = state?.columns ?? []
  const owned = ownNames(table, keyed, known)
  const names = new Set(known.map((column) => lower(column.name)))
  const usable = setAside(
    mapped,
    failed,
    (one) => nameProblem(one, owned, names) ?? (keyed === undefined ? undefined : keyProblem(one, table)),
  )
  const fixed = known.length > 0 && known.some((column) => !owned.has(lower(column.name)))
  checkDeclared(table, known)
  const reference = hasSchemaMode(table, 'fail') ? (fixed ? names : firstNames(usable, table)) : undefined
  const akin = withoutStrangers(usable, failed, fixed ? names : undefined, table)
  const strict = reference === undefined ? akin : setAside(akin, failed, (one) => strictProblem(one, { reference, owned }, table))
  const admitted = fixed ? strict.map((one) => withoutUnknown(one, names, table)) : strict
  const newColumns = await columnsToAdd(admitted, known, format, context)
  const all = [...known, ...newColumns.map((column) => ({ ...column, nullable: true }))]
  const grown = grownColumns(all, typesOf(admitted), { table, state })
  const columns = withOwn(grown.columns, table, keyed)
  if (keyed !== undefined) checkKeys(table, columns)
  if (fixed) checkOwnColumns(table, known, keyed?.traits.ownColumns?.(table, columns) ?? [])
  const types = new Map(columns.map((column) => [lower(column.name), column.type]))
  const judges = format.rejecting?.isByValue === true && mayReject(table)
  const fitting = setAside(admitted, failed, (one) => typeProblem(one, columns, { table, state, judges }))
  return {
    groups: fitting.map((one) => ({ ...withTypes(one, types, table), ignored: ignoredNames(one, columns, table) })),
    failed,
    columns,
    newColumns: columns.slice(known.length).map(({ name, type }) => ({ name, type })),
    changes: [...addedColumns(columns.slice(known.length), fitting), ...grown.changes],
    auditColumns: [
      ...(keyed === undefined ? [] : [SEQUENCE_COLUMN.name]),
      ...(table.auditColumns ? AUDIT_COLUMNS.map((column) => column.name) : []),
    ],
    deletes: keyed?.deletes,
  }
}

function mapColumns(group: FileGroup, table: TableConfig): Mapped {
  const renames = new Map(Object.entries(table.renameColumns).map(([from, to]) => [lower(from), to]))
  const selected = table.selectColumns && new Set(table.selectColumns.map(lower))
  const excluded = new Set(table.excludeColumns.map(lower))
  const pairs = group.columns
    .map(({ name, type }) => ({ source: name, target: renames.get(lower(name)) ?? name, type }))
    .filter(({ source, target }) => !excluded.has(lower(source)) && !excluded.has(lower(target)))
    .filter(({ source, target }) => selected === null || selected.has(lower(source)) || selected.has(lower(target)))
  return { group, pairs, apart: [] }
}

function setAside(groups: readonly Mapped[], failed: FileError[], problem: (one: Mapped) => Problem | undefined): readonly Mapped[] {
  return groups.filter((one) => {
    const found = problem(one)
    if (found)
      failed.push(
        ...one.group.files.map((file) => new FileError(found.code, file.path, `${file.path}: ${found.message}`, { hint: found.hint })),
      )
    return found === undefined
  })
}

/** Of a new table the columns that are declared are known, once a file has one of them. */
function withoutStrangers(
  groups: readonly Mapped[],
  failed: FileError[],
  names: ReadonlySet<string> | undefined,
  table: TableConfig,
): readonly Mapped[] {
  const known = names ?? new Set(Object.keys(table.columnTypes).map(lower))
  const isStranger = (one: Mapped) => strangerProblem(one, known, table)
  if (names === undefined && groups.every((one) => one.group.empty || isStranger(one) !== undefined)) return groups
  return setAside(groups, failed, isStranger)
}

/** What the table has already may stand in it: with mapped columns any name may. */
function nameProblem({ pairs }: Mapped, owned: ReadonlySet<string>, known: ReadonlySet<string>): Problem | undefined {
  const seen = new Set(owned)
  for (const { source, target } of pairs) {
    if (FORBIDDEN.test(target) && !known.has(lower(target))) {
      const proposal = target.trim().replaceAll(/[ ,;{}()\n\t=]+/g, '_')
      return {
        code: 'ING-FILE-COLUMN-NAME',
        message: `the column name ${JSON.stringify(target)} cannot stand in a Delta table`,
        hint: `rename_columns: {${JSON.stringify(source)}: ${proposal}}`,
      }
    }
    if (seen.has(lower(target)))
      return {
        code: 'ING-FILE-DUPLICATE-COLUMN',
        message: `the column ${JSON.stringify(target)} stands twice (names differ by case at most)`,
        hint: 'rename one with rename_columns, or leave it out with exclude_columns',
      }
    seen.add(lower(target))
  }
  return undefined
}

/** With `schema_evolution: false` the first file of a new table says what its columns are. */
function firstNames(groups: readonly Mapped[], table: TableConfig): ReadonlySet<string> {
  const declared = Object.keys(table.columnTypes)
  if (declared.length > 0 && table.schemaEvolution === 'fail') return new Set([...declared, ...fileColumnNames(table)].map(lower))
  const first = groups.filter(({ group }) => !group.empty).toSorted((a, b) => ordinalOf(a) - ordinalOf(b))[0]
  return new Set(first?.pairs.map(({ target }) => lower(target)) ?? [])
}

function ordinalOf({ group }: Mapped): number {
  return Math.min(...group.files.map((file) => file.ordinal))
}

/**
 * Names that no column of a file may bear, in lower case. A table that was made by files without rows has these columns
 * alone; the first rows decide the others.
 */
function ownNames(table: TableConfig, keyed: KeyedShape | undefined, known: readonly Column[]): ReadonlySet<string> {
  const audit = table.auditColumns ? AUDIT_COLUMNS : []
  const isRescued = hasSchemaMode(table, 'rescue') || known.some(({ name }) => name === RESCUED_COLUMN.name)
  const own = [
    ...(isRescued ? [RESCUED_COLUMN] : []),
    ...(keyed === undefined ? [] : [...(keyed.traits.ownColumns?.(table, known) ?? []), SEQUENCE_COLUMN]),
  ]
  return new Set([...audit, ...own].map(({ name }) => lower(name)))
}

function checkDeclared(table: TableConfig, known: readonly TableColumn[]): void {
  const types = new Map(known.map((column) => [lower(column.name), column.type]))
  for (const [name, type] of Object.entries(table.columnTypes)) {
    const existing = types.get(lower(name))
    const reason = existing === undefined ? undefined : misfit(declaredType(type), existing)
    if (reason !== undefined)
      throw new TableError('ING-SCHEMA-TYPE', `${table.name}: columns.${name}: ${reason}`, {
        hint: `write ${name}: ${existing}, the type that the table has`,
      })
  }
}

/** What files say of their types. */
function typesOf(groups: readonly Mapped[]): readonly TypesOfFiles[] {
  return groups
    .toSorted((a, b) => ordinalOf(a) - ordinalOf(b))
    .map(({ group, pairs }) => ({
      file: firstFile(group),
      types: pairs.flatMap(({ target, type }) => (type === null ? [] : [{ target, type }])),
    }))
}

function addedColumns(columns: readonly Column[], groups: readonly Mapped[]): readonly SchemaChange[] {
  const inOrder = groups.toSorted((a, b) => ordinalOf(a) - ordinalOf(b))
  return columns.map(({ name, type }) => {
    const first = inOrder.find(({ pairs }) => pairs.some(({ target }) => lower(target) === lower(name)))
    return { kind: 'added', column: name, from: null, to: type, file: first === undefined ? null : firstFile(first.group) }
  })
}

async function columnsToAdd(
  groups: readonly Mapped[],
  known: readonly TableColumn[],
  format: Format,
  context: FormatContext,
): Promise<readonly Column[]> {
  const { table } = context
  const taken = new Set(known.map((column) => lower(column.name)))
  const declared = new Map(Object.entries(table.columnTypes).map(([name, type]) => [lower(name), { name, type: declaredType(type) }]))
  const full = groups.filter(({ group }) => !group.empty)
  const targets = new Map<string, string>()
  for (const { pairs } of full) for (const { target } of pairs) if (!targets.has(lower(target))) targets.set(lower(target), target)
  if (known.length === 0) for (const { name } of declared.values()) if (!targets.has(lower(name))) targets.set(lower(name), name)
  const missing = [...targets].filter(([key]) => !taken.has(key))
  if (missing.length === 0) return []
  const inferred = missing.every(([key]) => declared.has(key))
    ? new Map<string, string>()
    : await inferTargets(full, taken, format, context)
  return missing.map(([key, name]) => declared.get(key) ?? { name, type: inferred.get(key) ?? 'VARCHAR' })
}

/** Types by the table's names, inferred from the groups that have a column that is new. */
async function inferTargets(
  full: readonly Mapped[],
  taken: ReadonlySet<string>,
  format: Format,
  context: FormatContext,
): Promise<ReadonlyMap<string, string>> {
  const news = full.filter(({ pairs }) => pairs.some(({ target }) => !taken.has(lower(target))))
  const inferred = new Map(
    (
      await format.infer(
        news.map(({ group }) => group),
        context,
      )
    ).map((column) => [lower(column.name), column.type]),
  )
  const types = new Map<string, string>()
  for (const { pairs } of news) {
    for (const { source, target } of pairs) {
      const type = inferred.get(lower(source))
      if (type !== undefined && !types.has(lower(target))) types.set(lower(target), type)
    }
  }
  return types
}

function rescuedColumn(table: TableConfig): readonly Column[] {
  return hasSchemaMode(table, 'rescue') ? [RESCUED_COLUMN] : []
}

/** Columns of the strategy and of the batch behind those of the files; a table that lacks some gets them at its end. */
function withOwn(columns: readonly TableColumn[], table: TableConfig, keyed: KeyedShape | undefined): readonly TableColumn[] {
  const names = new Set(columns.map((column) => lower(column.name)))
  const apart = ownNames(table, keyed, columns)
  // Types of a strategy's columns follow from those of the files, which files without rows do not tell.
  const isDetermined = columns.some(({ name }) => !apart.has(lower(name)))
  const own = keyed === undefined ? [] : [...((isDetermined && keyed.traits.ownColumns?.(table, columns)) || []), SEQUENCE_COLUMN]
  const added = [...rescuedColumn(table), ...own, ...(table.auditColumns ? AUDIT_COLUMNS : [])].filter(
    ({ name }) => !names.has(lower(name)),
  )
  return [...columns, ...added.map((column) => ({ ...column, nullable: true }))]
}

function withTypes({ group, pairs, apart }: Mapped, types: ReadonlyMap<string, string>, table: TableConfig): Omit<ShapedGroup, 'ignored'> {
  const targets = new Map(pairs.map(({ source, target }) => [source, target]))
  const columns: ReadColumn[] = group.columns.map(({ name, type }) => {
    const target = targets.get(name)
    return { name, type: (target === undefined ? undefined : types.get(lower(target))) ?? type ?? 'VARCHAR' }
  })
  const sources = new Map(pairs.map(({ source, target }) => [lower(target), source]))
  const given = new Map(group.columns.map(({ name, type }) => [name, type]))
  const isDoubtful = columns.some(({ name, type }) => {
    const from = given.get(name) ?? null
    const isRescued = schemaModeOf(table, targets.get(name) ?? name) === 'rescue'
    return from !== null && !isRescued && isByValue(from, type) && isBeyond(from, type)
  })
  // Texts are read as the table has them first; what files say of themselves is known to fit or not.
  const typed = { group: isDoubtful ? { ...group, isDoubtful } : group, columns }
  const careful = carefulColumns(typed, sources, table).filter(({ mode, given, type }) => mode === 'rescue' && isBeyond(given, type))
  const rescued = apart.filter(({ target }) => schemaModeOf(table, target) === 'rescue').map(({ source }) => source)
  return { ...typed, sources, careful, rescued }
}

/** The group with other types of the table, by lower-case name. */
export function retyped(one: ShapedGroup, types: ReadonlyMap<string, string>): ShapedGroup {
  const targets = new Map([...one.sources].map(([target, source]) => [source, target]))
  const columns = one.columns.map((column) => ({ ...column, type: types.get(targets.get(column.name) ?? '') ?? column.type }))
  const wanted = new Map(columns.map(({ name, type }) => [name, type]))
  return { ...one, columns, careful: one.careful.map((column) => ({ ...column, type: wanted.get(column.name) ?? column.type })) }
}

function lower(name: string): string {
  return name.toLowerCase()
}

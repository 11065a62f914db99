import { id, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { FileGroup, Format, FormatContext, Inspection, InterimFile, ReadColumn, Rejecting, SourceFile } from './format.ts'
import { rejectsOfFiles } from './parts-rejects.ts'

/** What is read in the place of a landing file: a member of an archive, or what its records were converted to. */
export interface Part extends InterimFile {
  /** Name of the member; null where the file is one whole. */
  readonly member: string | null
  /** Whether it is not compressed, whatever its name says. */
  readonly isPlain?: boolean
}

/** How files are taken apart. */
export interface PartsOf {
  /** The parts of each file, or why it has none; files that are read as they are stand in no entry. */
  take(files: readonly SourceFile[], context: FormatContext): Promise<ReadonlyMap<SourceFile, readonly Part[] | FileError>>
  /** What the format is given to read the parts with. */
  inner(context: FormatContext): FormatContext
  /** Whether lines of the parts are no lines of the file. */
  hidesLines?(context: FormatContext): boolean
  /** Name of a column that tells the member; undefined where none is asked for. */
  memberColumn?(context: FormatContext): string | undefined
}

/**
 * A format that reads parts in the place of some files. Outside, a file is one: its rows bear its path, its parts fail
 * together, and messages name the file and the member.
 */
export function withParts(format: Format, how: PartsOf): Format {
  const parts = new Parted(format, how)
  const { rowsRead, lineOf } = format
  return {
    ...format,
    inspect: (files, context) => parts.inspect(files, context),
    infer: (groups, context) => parts.infer(groups, context),
    relation: (group, columns, context) => parts.relation(group, columns, context),
    value: (type, text, context, lenient) => format.value(type, text, how.inner(context), lenient),
    tried: (type, text, context) => format.tried(type, text, how.inner(context)),
    diagnose: (group, columns, error, context) => parts.diagnose(group, columns, error, context),
    ...(rowsRead === undefined ? {} : { rowsRead: (groups, context) => parts.rowsRead(groups, context) }),
    ...(format.rejecting === undefined ? {} : { rejecting: parts.rejecting(format.rejecting) }),
    ...(lineOf === undefined ? {} : { lineOf: (file, row, of) => parts.lineOf(file, row, of) }),
  }
}

/** A file as the format sees it. */
interface PartFile extends SourceFile {
  readonly member: string | null
}

/** Layout of a group whose files are read by their parts. */
class PartsLayout {
  readonly layout: unknown
  readonly parts: ReadonlyMap<string, readonly PartFile[]>
  readonly memberColumn: string | undefined
  /** Whether other parts of its file are in other groups. */
  readonly isSplit: boolean

  constructor(parts: PartsLayout['parts'], { layout, memberColumn, isSplit }: Omit<PartsLayout, 'parts'>) {
    this.layout = layout
    this.parts = parts
    this.memberColumn = memberColumn
    this.isSplit = isSplit
  }
}

class Parted {
  readonly #format: Format
  readonly #how: PartsOf

  constructor(format: Format, how: PartsOf) {
    this.#format = format
    this.#how = how
  }

  async inspect(files: readonly SourceFile[], context: FormatContext): Promise<Inspection> {
    const taken = await this.#how.take(files, context)
    const memberColumn = this.#how.memberColumn?.(context)
    if (taken.size === 0 && memberColumn === undefined) return this.#format.inspect(files, this.#how.inner(context))
    const failed = new Map<string, FileError>()
    const owners = new Map<string, SourceFile>()
    const read = files.flatMap((file): readonly (SourceFile | PartFile)[] => {
      const parts = taken.get(file)
      if (parts === undefined && memberColumn === undefined) return [file]
      if (parts instanceof FileError) {
        failed.set(file.path, ofOwner(parts, file.path))
        return []
      }
      const made = parts === undefined ? [{ ...file, member: null }] : parts.map((part) => partFile(file, part))
      for (const { readPath } of made) owners.set(readPath, file)
      return made
    })
    const inspection = await this.#format.inspect(read, this.#how.inner(context))
    const ownerOf = new Map(read.map((file) => [file.path, owners.get(file.readPath) ?? file]))
    for (const error of inspection.failed) note(failed, ofOwner(error, ownerOf.get(error.file)?.path ?? error.file))
    const groups = regrouped(inspection.groups, { owners, failed, memberColumn })
    return { reader: inspection.reader, failed: [...failed.values()], groups }
  }

  infer(groups: readonly FileGroup[], context: FormatContext): ReturnType<Format['infer']> {
    const memberColumn = this.#how.memberColumn?.(context)
    const inferred = this.#format.infer(
      groups.map((group) => inside(group)),
      this.#how.inner(context),
    )
    return memberColumn === undefined ? inferred : inferred.then((columns) => [...columns, { name: memberColumn, type: 'VARCHAR' }])
  }

  relation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
    const { layout } = group
    if (!(layout instanceof PartsLayout)) return this.#format.relation(group, columns, this.#how.inner(context))
    const member = layout.memberColumn
    const rows = this.#format.relation(
      inside(group),
      columns.filter(({ name }) => name !== member),
      this.#how.inner(context),
    )
    const parts = group.files.map(({ path }) => layout.parts.get(path) ?? [])
    const values = columns.map(({ name }) => (name === member ? sql`${memberOf(parts.flat())} as ${id(name)}` : id(name)))
    const path = ofPart(
      parts.flatMap((some, index) => some.map(() => group.files[index]?.path ?? '')),
      literalList,
    )
    const index = ofPart(
      parts.flatMap((some, at) => some.map(() => at)),
      (numbers) => raw(`[${numbers.join(', ')}]::bigint[]`),
    )
    return sql`select ${join([...values, sql`${path} as __path`, sql`${index} as __index`])} from (${rows})`
  }

  async diagnose(group: FileGroup, columns: readonly ReadColumn[], error: unknown, context: FormatContext): Promise<readonly FileError[]> {
    const { layout } = group
    const inner = this.#how.inner(context)
    if (!(layout instanceof PartsLayout)) return this.#format.diagnose(group, columns, error, inner)
    const own = columns.filter(({ name }) => name !== layout.memberColumn)
    const found = new Map<string, FileError>()
    const ownerOf = ownersIn(group, layout)
    for (const problem of await this.#format.diagnose(inside(group), own, error, inner))
      note(found, ofOwner(problem, ownerOf.get(problem.file) ?? problem.file))
    return [...found.values()]
  }

  async rowsRead(groups: readonly FileGroup[], context: FormatContext): Promise<ReadonlyMap<string, bigint> | undefined> {
    const counts = await this.#format.rowsRead?.(
      groups.map((group) => inside(group)),
      this.#how.inner(context),
    )
    if (counts === undefined) return undefined
    const sums = new Map<string, bigint>()
    const ownerOf = new Map(groups.flatMap((group) => (group.layout instanceof PartsLayout ? [...ownersIn(group, group.layout)] : [])))
    for (const [path, rows] of counts) {
      const owner = ownerOf.get(path) ?? path
      sums.set(owner, (sums.get(owner) ?? 0n) + rows)
    }
    return sums
  }

  /** Rows of parts are rows of their file, numbered on from part to part; a line is told where there is one part. */
  rejecting(inner: Rejecting): Rejecting {
    return {
      isAligned: () => inner.isAligned(),
      isByValue: inner.isByValue === true,
      sortOut: async (group, columns, to, context) => {
        const { layout } = group
        const own = this.#how.inner(context)
        if (!(layout instanceof PartsLayout)) return inner.sortOut(group, columns, to, own)
        // Rows of a file are balanced as a whole, so one whose parts differ in their columns fails instead.
        if (layout.isSplit) return { files: new Map(), failed: await this.diagnose(group, columns, undefined, context) }
        const asked = columns.filter(({ name }) => name !== layout.memberColumn)
        const sorted = await inner.sortOut(inside(group), asked, to, own)
        const rowsOf = (parts: readonly PartFile[]) => this.#rowsOf(inside(group), parts, own)
        const errors = new Map<string, FileError>()
        const ownerOf = ownersIn(group, layout)
        for (const error of sorted.failed) note(errors, ofOwner(error, ownerOf.get(error.file) ?? error.file))
        const parts = new Map(group.files.map(({ path }) => [path, layout.parts.get(path) ?? []]))
        const files = await rejectsOfFiles(parts, sorted.files, { rejects: to.rows, session: context.session, rowsOf })
        if (this.#how.hidesLines?.(context) === true)
          await context.session.run(
            sql`update ${to.rows} set line = null where path in (${join(group.files.map(({ path }) => literal(path)))})`,
          )
        return { files: new Map([...files].filter(([path]) => !errors.has(path))), failed: [...errors.values()] }
      },
      place: async (group, rows, context) => {
        // Those of several parts were told when they were sorted out, or are counted alone.
        if (!(group.layout instanceof PartsLayout)) await inner.place(group, rows, this.#how.inner(context))
      },
    }
  }

  async #rowsOf(group: FileGroup, files: readonly PartFile[], context: FormatContext): Promise<bigint> {
    const [first] = group.columns
    if (files.length === 0 || first === undefined) return 0n
    const rows = this.#format.relation({ ...group, files }, [{ name: first.name, type: 'VARCHAR' }], context)
    const [counted] = await context.session.rows(sql`select count(*) as rows from (${rows})`)
    return BigInt(String(counted?.['rows'] ?? 0n))
  }

  /** Of a file with one part; where there are several, the line alone would not tell the place. */
  async lineOf(
    file: SourceFile,
    row: bigint,
    { group, context }: { readonly group: FileGroup; readonly context: FormatContext },
  ): Promise<number | null> {
    const parts = group.layout instanceof PartsLayout ? (group.layout.parts.get(file.path) ?? []) : [file]
    const [only] = parts
    if (only === undefined || parts.length > 1) return null
    return (await this.#format.lineOf?.(only, row, { group: inside(group), context: this.#how.inner(context) })) ?? null
  }
}

function partFile(file: SourceFile, { member, readPath, size, isPlain = false }: Part): PartFile {
  const path = member === null ? file.path : `${file.path}!${member}`
  return { ...file, path, readPath, rawPath: Buffer.from(readPath).toString('base64'), size, member, isPlain }
}

/** The group as the format made it, with the parts of those files that are still in it. */
function inside(group: FileGroup): FileGroup {
  const { layout } = group
  if (!(layout instanceof PartsLayout)) return group
  const files = group.files.flatMap(({ path }) => layout.parts.get(path) ?? [])
  return { ...group, files, columns: group.columns.filter(({ name }) => name !== layout.memberColumn), layout: layout.layout }
}

function ownersIn(group: FileGroup, layout: PartsLayout): ReadonlyMap<string, string> {
  return new Map(group.files.flatMap(({ path }) => (layout.parts.get(path) ?? []).map((part) => [part.path, path] as const)))
}

interface Regrouping {
  /** The landing file of each part, by the path that it is read from. */
  readonly owners: ReadonlyMap<string, SourceFile>
  readonly failed: ReadonlyMap<string, FileError>
  readonly memberColumn: string | undefined
}

/** A group with its files sorted out. */
interface Sorted {
  readonly group: FileGroup
  readonly plain: readonly SourceFile[]
  readonly parts: ReadonlyMap<SourceFile, readonly PartFile[]>
}

function sortedOut(group: FileGroup, { owners, failed }: Regrouping): Sorted {
  const parts = new Map<SourceFile, PartFile[]>()
  const plain: SourceFile[] = []
  for (const file of group.files) {
    const owner = owners.get(file.readPath)
    if (owner === undefined) plain.push(file)
    // What has an owner was made by `partFile`.
    else if (!failed.has(owner.path)) parts.set(owner, [...(parts.get(owner) ?? []), file as PartFile])
  }
  return { group, plain, parts }
}

/**
 * Groups of landing files. One whose parts fall into several groups stands in groups of its own, after one another, so
 * that its rows do; parts without rows are left out beside others that have some.
 */
function regrouped(groups: readonly FileGroup[], how: Regrouping): readonly FileGroup[] {
  const sorted = groups.map((group) => sortedOut(group, how))
  const full = sorted.filter(({ group }) => !group.empty).flatMap(({ parts }) => [...parts.keys()])
  const counted = new Map<SourceFile, number>()
  for (const owner of full) counted.set(owner, (counted.get(owner) ?? 0) + 1)
  const together: FileGroup[] = []
  const apart: { readonly owner: SourceFile; readonly group: FileGroup }[] = []
  for (const { group, plain, parts } of sorted) {
    if (plain.length > 0) together.push({ ...group, files: plain })
    const own = [...parts].filter(([owner]) => !(group.empty && counted.has(owner)))
    const whole = own.filter(([owner]) => (counted.get(owner) ?? 0) <= 1)
    if (whole.length > 0) together.push(outside(group, whole, { ...how, isSplit: false }))
    for (const [owner, files] of own)
      if ((counted.get(owner) ?? 0) > 1) apart.push({ owner, group: outside(group, [[owner, files]], { ...how, isSplit: true }) })
  }
  return [...together, ...apart.toSorted((a, b) => a.owner.ordinal - b.owner.ordinal).map(({ group }) => group)]
}

function outside(
  group: FileGroup,
  parts: readonly (readonly [SourceFile, readonly PartFile[]])[],
  { memberColumn, isSplit }: Regrouping & { readonly isSplit: boolean },
): FileGroup {
  const byOwner = new Map(parts.map(([owner, files]) => [owner.path, files]))
  return {
    ...group,
    files: parts.map(([owner]) => owner),
    columns: memberColumn === undefined ? group.columns : [...group.columns, { name: memberColumn, type: 'VARCHAR' }],
    layout: new PartsLayout(byOwner, { layout: group.layout, memberColumn, isSplit }),
  }
}

function memberOf(parts: readonly PartFile[]): Sql {
  const list = (members: readonly (string | null)[]) =>
    sql`list_transform(${literalList(members.map((member) => member ?? ''))}, lambda name: nullif(name, ''))`
  return ofPart(
    parts.map(({ member }) => member),
    list,
  )
}

/** The value of a row's part; a single one where it is the same for all. */
function ofPart<T>(values: readonly T[], list: (values: readonly T[]) => Sql): Sql {
  const [first] = values
  const isSame = first !== undefined && values.every((value) => value === first)
  return isSame ? sql`(${list([first])})[1]` : sql`(${list(values)})[__index + 1]`
}

/** The same error of the landing file; its message names the part. */
function ofOwner(error: FileError, owner: string): FileError {
  if (error.file === owner) return error
  const { code, message, hint, context, cause, retry } = error
  return new FileError(code, owner, message, { hint, context, cause, retry })
}

/** The first error of a file says enough. */
function note(errors: Map<string, FileError>, error: FileError): void {
  if (!errors.has(error.file)) errors.set(error.file, error)
}

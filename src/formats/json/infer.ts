import { id, type Sql, sql } from '../../engine/sql.ts'
import type { Column } from '../../model/schema.ts'
import { storableType, zonedType } from '../../model/storable-type.ts'
import { type TypeNode, typeText } from '../../model/type-text.ts'
import type { FileGroup, FormatContext } from '../format.ts'
import { overReadable, sampleOf, unified } from '../sample.ts'
import { DEEPEST, detectJson, layoutOf, readJson } from './reading.ts'

/** Types that the engine finds in a sample of the files, or in all of them where they are small. */
export async function inferJson(groups: readonly FileGroup[], context: FormatContext): Promise<readonly Column[]> {
  const { groups: sample, whole } = sampleOf(groups)
  const found = new Map<string, Set<string>>()
  for (const group of sample) {
    const more = whole ? [sql`sample_size = -1`] : []
    const query = async (part: FileGroup) => {
      const types = await context.session.rows(
        sql`describe select * from ${detectJson(part.files, { layout: layoutOf(group), context, more })}`,
      )
      // Other files tell the types.
      if (types.some((row) => hasNamelessField(String(row['column_type'])))) throw new Error('a nested field has an empty name')
      return types
    }
    for (const rows of await overReadable(group, query))
      for (const row of rows) note(found, String(row['column_name']), String(row['column_type']))
  }
  const columns: Column[] = []
  for (const name of unified(groups)) {
    const seen = found.get(name.toLowerCase())
    const type = seen ? unifiedType([...seen]) : await rareType(name, groups, context)
    columns.push({ name, type: await exactType(name, type, { groups: sample, context }) })
  }
  return columns
}

function hasNamelessField(type: string): boolean {
  return /\( |, {2}/.test(type.replaceAll(/"(?:[^"]|"")*"/g, 'name'))
}

function note(found: Map<string, Set<string>>, name: string, type: string): void {
  const key = name.toLowerCase()
  const types = found.get(key) ?? new Set()
  found.set(key, types.add(type))
}

/** Groups differ in compression or spelling alone, so that their types nearly always agree. */
function unifiedType(types: readonly string[]): string {
  const known = types.filter((type) => type !== 'JSON' && type !== '"NULL"')
  const [only = 'VARCHAR'] = known
  if (new Set(known).size <= 1) return stored(only)
  const numbers = known.every((type) => /^(BIGINT|UBIGINT|HUGEINT|DOUBLE)$/.test(type))
  if (numbers) return known.includes('DOUBLE') ? 'DOUBLE' : 'DECIMAL(38,0)'
  const times = known.every((type) => /^(DATE|TIMESTAMP.*)$/.test(type))
  return times ? 'TIMESTAMP WITH TIME ZONE' : 'VARCHAR'
}

function stored(type: string): string {
  return storableType(zonedType(/^U?HUGEINT$|^UBIGINT$/.test(type) ? 'DECIMAL(38,0)' : type))
}

/** The engine calls integers beyond 64 bits DOUBLE; they are decimals here, or text where they are longer still. */
async function exactType(
  name: string,
  type: string,
  sample: { readonly groups: readonly FileGroup[]; readonly context: FormatContext },
): Promise<string> {
  if (type !== 'DOUBLE') return type
  let digits = 0
  let fractions = false
  for (const group of sample.groups.filter((one) => one.columns.some((column) => column.name === name))) {
    const query = (part: FileGroup) => sample.context.session.rows(digitsOf(name, part, sample.context))
    for (const [row] of await overReadable(group, query)) {
      digits = Math.max(digits, Number(row?.['digits'] ?? 0n))
      fractions ||= row?.['fractions'] === true
    }
  }
  if (digits < 19) return type
  return fractions || digits > 38 ? 'VARCHAR' : 'DECIMAL(38,0)'
}

function digitsOf(name: string, group: FileGroup, context: FormatContext): Sql {
  const value = id(name)
  return sql`select max(strlen(regexp_extract(${value}, '^-?([0-9]+)$', 1)))::bigint as digits, bool_or(contains(${value}, '.')) as fractions
    from ${readJson(group.files, [{ name, type: 'VARCHAR' }], { layout: layoutOf(group), context })}`
}

/** The type of a field that no sampled record has, from all records. */
async function rareType(name: string, groups: readonly FileGroup[], context: FormatContext): Promise<string> {
  const types = new Set<string>()
  for (const group of groups) {
    const column = group.columns.find((one) => one.name.toLowerCase() === name.toLowerCase())
    if (!column || group.empty) continue
    const query = (part: FileGroup) =>
      context.session.rows(sql`select json_group_structure(${id(column.name)})::varchar as structure
        from ${readJson(part.files, [{ name: column.name, type: 'JSON' }], { layout: layoutOf(group), context })} where ${id(column.name)} is not null`)
    for (const [row] of await overReadable(group, query)) {
      if (typeof row?.['structure'] === 'string') types.add(typeText(structureType(JSON.parse(row['structure']), DEEPEST - 1)))
    }
  }
  return unifiedType([...types])
}

const SCALARS: Readonly<Record<string, string>> = {
  UBIGINT: 'BIGINT',
  BIGINT: 'BIGINT',
  HUGEINT: 'HUGEINT',
  DOUBLE: 'DOUBLE',
  BOOLEAN: 'BOOLEAN',
}

/** `{"a": ["UBIGINT"]}`, as the engine describes a structure, as a type of so many levels. */
function structureType(structure: unknown, levels: number): TypeNode {
  if (typeof structure === 'string') return { kind: 'plain', text: SCALARS[structure] ?? 'VARCHAR' }
  if (levels === 0) return { kind: 'plain', text: 'VARCHAR' }
  if (Array.isArray(structure)) return { kind: 'list', element: structureType(structure[0] ?? 'VARCHAR', levels - 1) }
  const fields = Object.entries(structure ?? {}).map(([name, type]) => ({ name, type: structureType(type, levels - 1) }))
  // Fields without a name, or whose names differ by case alone, have no place in a table: such an object stays text.
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
  const isText = fields.length === 0 || names.size < fields.length || names.has('')
  return isText ? { kind: 'plain', text: 'VARCHAR' } : { kind: 'struct', fields }
}

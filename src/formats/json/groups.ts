import type { TableConfig } from '../../model/table.ts'
import type { FileGroup, SourceFile } from '../format.ts'
import type { Layout } from './reading.ts'

/** A file and the names of all fields that its records have. */
export interface Keyed {
  readonly file: SourceFile
  readonly names: readonly string[]
  /** Whether the inspection saw records that no read takes. */
  readonly isDoubtful: boolean
}

/**
 * Fields are read by name and a missing one is null, so files with different fields go together, unless one spells a
 * name in another case, or has one that a table may refuse: those fail alone. Where columns may not differ
 * (`schema_evolution: false`) each set of names is a group.
 */
export function groupFiles(files: readonly Keyed[], layout: Layout, table: TableConfig): readonly FileGroup[] {
  const sound = files.filter(({ isDoubtful }) => !isDoubtful)
  const doubtful = files.filter(({ isDoubtful }) => isDoubtful)
  return [...grouped(sound, layout, table), ...grouped(doubtful, layout, table).map((group) => ({ ...group, isDoubtful: true }))]
}

function grouped(files: readonly Keyed[], layout: Layout, table: TableConfig): readonly FileGroup[] {
  const isApart = ({ names }: Keyed) => table.schemaEvolution === 'fail' || names.some((name) => mayBeRefused(name, table))
  const groups = [...bySpelling(files.filter((file) => !isApart(file))), ...byNames(files.filter(isApart))]
  return groups.map(({ files: members, names }) => ({
    files: members,
    columns: [...names.values()].map((name) => ({ name, type: null })),
    // Records without any field are rows all the same.
    empty: false,
    layout,
  }))
}

/** Names with characters that Delta forbids, and those of columns that the table has beside its files'. */
function mayBeRefused(name: string, { keyed }: TableConfig): boolean {
  const own = [keyed.effectiveColumn, keyed.endColumn, keyed.currentColumn]
  return /[ ,;{}()\n\t=]|^_/.test(name) || own.some((column) => column.toLowerCase() === name.toLowerCase())
}

interface Group {
  readonly files: SourceFile[]
  /** Spelling by lower-case name. */
  readonly names: Map<string, string>
}

function byNames(files: readonly Keyed[]): readonly Group[] {
  const groups = new Map<string, Group>()
  for (const { file, names } of files) {
    const key = JSON.stringify(names.toSorted())
    const group = groups.get(key)
    if (group) group.files.push(file)
    else groups.set(key, { files: [file], names: new Map(names.map((name) => [name.toLowerCase(), name])) })
  }
  return [...groups.values()]
}

function bySpelling(files: readonly Keyed[]): readonly Group[] {
  const groups: Group[] = []
  for (const { file, names } of files) {
    let group = groups.find((one) => names.every((name) => (one.names.get(name.toLowerCase()) ?? name) === name))
    if (!group) {
      group = { files: [], names: new Map() }
      groups.push(group)
    }
    group.files.push(file)
    for (const name of names) group.names.set(name.toLowerCase(), name)
  }
  return groups
}

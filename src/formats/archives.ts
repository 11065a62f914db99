import { globMatches, globOf, globSegments } from '../lib/glob.ts'
import { MEMBER_COLUMN, type TableConfig } from '../model/table.ts'
import { bounded } from './bounded.ts'
import { badArchive } from './file-problems.ts'
import type { Format, FormatContext, SourceFile } from './format.ts'
import { listOption, numberOption, textOption } from './options.ts'
import { type Part, withParts } from './parts.ts'
import { takenParts } from './taken-parts.ts'

/**
 * A format whose files may also be bzip2, or zip archives of such files: the engine reads neither, so they are unpacked
 * into files of the load's own. Names of members never become paths.
 */
export function withArchives(format: Format, suffixes: readonly string[]): Format {
  return withParts(format, {
    take: (files, context) => {
      const packed = files.filter((file) => packingOf(file, context.table) !== undefined)
      return takenParts(packed, { atOnce: UNPACKED_AT_ONCE, signal: context.signal }, (file) => unpacked(file, suffixes, context))
    },
    inner: (context) => (isForced(context.table) ? { ...context, table: withoutPacking(context.table) } : context),
    memberColumn: ({ table }) => (table.metadataColumns.includes(MEMBER_COLUMN) ? MEMBER_COLUMN : undefined),
  })
}

const UNPACKED_AT_ONCE = 4
const MOST_MEMBERS = 10_000
type Packing = 'bzip2' | 'zip'

/** By the option, else by the name; a file without bytes is none. */
function packingOf(file: SourceFile, table: TableConfig): Packing | undefined {
  if (file.size === 0n) return undefined
  const option = textOption(table, 'compression') ?? 'auto'
  if (option === 'bzip2' || option === 'zip') return option
  if (option !== 'auto') return undefined
  const name = file.path.toLowerCase()
  if (name.endsWith('.bz2')) return 'bzip2'
  return name.endsWith('.zip') ? 'zip' : undefined
}

function isForced({ formatOptions }: TableConfig): boolean {
  return formatOptions['compression'] === 'bzip2' || formatOptions['compression'] === 'zip'
}

function withoutPacking(table: TableConfig): TableConfig {
  return { ...table, formatOptions: { ...table.formatOptions, compression: 'auto' } }
}

async function unpacked(file: SourceFile, suffixes: readonly string[], { io, table }: FormatContext): Promise<readonly Part[]> {
  const { bunzipped, withZip } = await import('./unpack.ts')
  const most = numberOption(table, 'max_unpacked_size')
  if (packingOf(file, table) === 'bzip2')
    return [
      { ...(await io.interim(bounded(bunzipped(file, io), { file, packed: Number(file.size), most, before: () => 0 }))), member: null },
    ]
  return withZip(file, io, async (members) => {
    const parts: Part[] = []
    const before = () => parts.reduce((sum, { size }) => sum + Number(size), 0)
    for (const name of wantedMembers(
      file,
      members.map((member) => member.name),
      { suffixes, table },
    )) {
      const member = members.find((one) => one.name === name)
      if (member)
        parts.push({ ...(await io.interim(bounded(member.bytes(), { file, packed: member.packedSize, most, before }))), member: name })
    }
    return parts
  })
}

interface Wanted {
  readonly suffixes: readonly string[]
  readonly table: TableConfig
}

/** The members that are read: those that `members` names, else those whose suffix is one of the format, else the only one. */
function wantedMembers(file: SourceFile, names: readonly string[], { suffixes, table }: Wanted): readonly string[] {
  if (names.length > MOST_MEMBERS) throw badArchive(file.path, `it has more than ${MOST_MEMBERS} members`, 'deliver smaller archives')
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw badArchive(file.path, `two of its members are named ${twice}`, 'deliver it again')
  const visible = names.filter((name) => !/(^|\/)([._]|__MACOSX\/)/.test(name))
  const asked = listOption(table, 'members')
  const wanted = visible.filter((name) => (asked === undefined ? isOf(suffixes, name) : asked.some((pattern) => matches(pattern, name))))
  const [only] = visible
  const chosen = wanted.length === 0 && asked === undefined && visible.length === 1 && only !== undefined ? [only] : wanted
  const nested = chosen.find((name) => /\.(zip|tar|tgz|7z|rar)$/i.test(name))
  if (nested !== undefined) throw badArchive(file.path, `its member ${nested} is an archive itself`, 'deliver the inner archive')
  if (chosen.length > 0) return chosen
  const what =
    asked === undefined
      ? `ends in ${suffixes.filter((suffix) => !/\.(gz|zst|bz2|zip)$/.test(suffix)).join(', ')}`
      : `matches ${asked.join(', ')}`
  const has = visible.length === 0 ? 'it has none' : `it has ${visible.slice(0, 5).join(', ')}${visible.length > 5 ? ', …' : ''}`
  throw badArchive(file.path, `none of its members ${what}; ${has}`, "name them: format_options: {members: ['*.txt']}")
}

function isOf(suffixes: readonly string[], name: string): boolean {
  return suffixes.some((suffix) => !suffix.endsWith('.zip') && name.toLowerCase().endsWith(suffix))
}

/** As patterns of sources match; one without `/` is of the name alone. */
function matches(pattern: string, name: string): boolean {
  return globMatches(globOf(globSegments(pattern)), pattern.includes('/') ? name : name.slice(name.lastIndexOf('/') + 1))
}

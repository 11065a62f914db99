import type { FormatName, TableConfig } from '../../model/table.ts'
import { baseOf, isWithin, type Location, locate, textOf } from '../paths.ts'
import { complain, type Desk, type TableDraft } from './draft.ts'

interface Around {
  readonly folder: string
  readonly rawDataPath: Location
  readonly source: Location | undefined
  readonly fileFormat: FormatName | undefined
}

/** What becomes of loaded files; what would lose rows, or could not work, is told. */
export function afterLoadOf(draft: TableDraft, around: Around, desk: Desk): TableConfig['afterLoad'] {
  const { after_load: written, snapshot_unit: unit, run_type: runType } = draft.input
  if (written === 'keep' || draft.bad.has('after_load')) return 'keep'
  const told = (problem: string, fix: string) => complain(desk, draft, ['after_load'], { problem, fix, code: 'ING-CONFIG-COMBINATION' })
  if (around.fileFormat === 'delta') told('the files of a Delta source belong to its table', 'remove it')
  if (unit === 'folder')
    told('a later file loads its folder again, for which all of its files must be there', 'remove it, or snapshot_unit')
  if (runType === 'full_drop') told('run_type: full_drop loads all files again, for which they must be there', 'remove one of them')
  if (written === 'delete') return written
  const found = archiveOf(written.archive, around)
  if ('archive' in found) return found
  complain(desk, draft, ['after_load', 'archive'], { ...found, code: 'ING-CONFIG-VALUE' })
  return 'keep'
}

type Archive = Exclude<TableConfig['afterLoad'], string>

/** Files are moved within the disks of this machine, or within one bucket or container. */
function archiveOf(written: string, { folder, source, rawDataPath }: Around): Archive | { readonly problem: string; readonly fix: string } {
  const place = locate(written, { kind: 'local', path: folder })
  if (place.kind === 'wrong') return place
  if (place.kind === 'local') {
    if (source?.kind !== 'remote') return { archive: place.path, below: rawDataPath.kind === 'local' ? rawDataPath.path : '/' }
    return {
      problem: `must be in the store of the source, ${source.object?.root ?? source.scheme}`,
      fix: 'write the whole URL of a folder there',
    }
  }
  if (source === undefined) return { archive: place.url, below: '' }
  if (source.kind === 'local') return { problem: `must be a folder of this machine, is ${place.scheme}://`, fix: 'write a local path' }
  const root = source.object?.root
  if (root === undefined || place.object?.root !== root)
    return {
      problem: `must be in the store of the source, ${root ?? source.scheme}`,
      fix: 'name a folder there, or copy the files by other means',
    }
  const isBelow = rawDataPath.kind === 'remote' && isWithin(rawDataPath.url, root)
  return { archive: place.url.replace(/\/+$/, ''), below: isBelow ? rawDataPath.url.replace(/\/+$/, '') : root }
}

/** A table of the config, as far as its files may be archived. */
interface Archiving {
  readonly at: TableDraft['at']
  readonly bad: TableDraft['bad']
  readonly table: TableConfig
  readonly source: Location | undefined
  readonly target: Location | undefined
}

/** The folders of all archives, in which no table looks for files. An archive around a source would hide it, and one in a table is lost. */
export function checkArchives(tables: readonly Archiving[], desk: Desk): readonly string[] {
  const archives: string[] = []
  for (const { at, bad, table } of tables) {
    if (typeof table.afterLoad === 'string') continue
    const { archive } = table.afterLoad
    archives.push(archive)
    for (const other of tables) {
      const around = other.source !== undefined && isWithin(baseOf(textOf(other.source)), archive)
      const inside = other.target !== undefined && isWithin(archive, textOf(other.target))
      if (!around && !inside) continue
      complain(desk, { at, bad }, ['after_load', 'archive'], {
        problem: around
          ? `the archive ${archive} would hold the landing files of ${other.table.name}`
          : `the archive would lie in the table ${other.table.name}`,
        fix: 'choose a folder of its own',
        code: 'ING-CONFIG-COMBINATION',
      })
      break
    }
  }
  return [...new Set(archives)]
}

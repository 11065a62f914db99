import type { FormatName, TableConfig } from '../../model/table.ts'
import { baseOf, isWithin, type Location, type LocationResult, locate, textOf } from '../paths.ts'
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
  const place = locate(written.archive, { kind: 'local', path: around.folder })
  if (place.kind !== 'wrong' && isSameStore(place, around.source)) {
    const archive = textOf(place).replace(/(?<=.)\/+$/, '')
    const { rawDataPath } = around
    const none = place.kind === 'local' ? '/' : ''
    return { archive, below: rawDataPath.kind === place.kind ? textOf(rawDataPath).replace(/(?<=.)\/+$/, '') : none }
  }
  complain(desk, draft, ['after_load', 'archive'], { ...misplaced(place, around.source), code: 'ING-CONFIG-VALUE' })
  return 'keep'
}

/** Files go to an archive by a move on their disks, or by a copy within their bucket. */
function isSameStore(archive: Location, source: Location | undefined): boolean {
  if (archive.kind === 'local') return source === undefined || source.kind === 'local'
  return archive.object !== undefined && source?.kind === 'remote' && source.object?.root === archive.object.root
}

function misplaced(place: LocationResult, source: Location | undefined): { readonly problem: string; readonly fix: string } {
  if (place.kind === 'wrong') return place
  const root = source?.kind === 'remote' ? source.object?.root : undefined
  if (root !== undefined) return { problem: `must be in the store of the files, ${root}`, fix: `write for example ${root}/archive` }
  return { problem: `must be a folder of this machine, is ${textOf(place)}`, fix: 'write a local path' }
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

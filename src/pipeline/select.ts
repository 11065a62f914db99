import { dirname } from 'node:path'
import { compareFiles, type FileSeen } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'
import type { LoadedUnit } from '../tracker/tracker.ts'

/** Which pending files make the next batch, and which are passed over with a reason. */
export interface Selection {
  /** Undefined: any, in file order. */
  readonly paths: readonly string[] | undefined
  readonly units: ReadonlyMap<string, string>
  readonly skip: readonly { readonly paths: readonly string[]; readonly reason: string }[]
  /** Folders whose completed and failed files belong to the snapshot, too. */
  readonly folders: readonly string[]
}

interface Unit {
  readonly name: string
  readonly files: readonly FileSeen[]
  readonly newest: FileSeen
}

/**
 * Overwrite: the newest snapshot replaces the table, older ones are skipped. With `overwrite_scope: partition` every
 * snapshot counts, since each may be the newest of some partition. Newest is by modified time, then path.
 */
export function selectSnapshots(pending: readonly FileSeen[], loaded: LoadedUnit | undefined, table: TableConfig): Selection {
  const units = unitsOf(pending, table)
  const names = new Map(units.flatMap((unit) => unit.files.map((file) => [file.path, unit.name] as const)))
  const folders = table.snapshotUnit === 'folder' ? units.map((unit) => unit.name) : []
  if (table.overwriteScope === 'partition' || table.snapshotUnit === 'batch')
    return { paths: pending.map((file) => file.path), units: names, skip: [], folders }
  if (table.strategy === 'scd2') return nextSnapshot(units, loaded, names)
  const newest = units.at(-1)
  if (newest === undefined) return { paths: [], units: names, skip: [], folders: [] }
  const beaten = loaded !== undefined && loaded.unit !== newest.name && isOlder(newest, loaded)
  const rest = beaten ? units : units.slice(0, -1)
  const winner = beaten ? loaded.path : newest.newest.path
  return {
    paths: beaten ? [] : newest.files.map((file) => file.path),
    units: names,
    skip: rest.map((unit) => ({ paths: unit.files.map((file) => file.path), reason: `an older snapshot than ${winner}` })),
    folders: beaten || table.snapshotUnit !== 'folder' ? [] : [newest.name],
  }
}

/** Of a history every snapshot counts, one after the other, but for those that are older than one that is loaded. */
function nextSnapshot(units: readonly Unit[], loaded: LoadedUnit | undefined, names: ReadonlyMap<string, string>): Selection {
  const isLate = (unit: Unit) => loaded !== undefined && loaded.unit !== unit.name && isOlder(unit, loaded)
  return {
    paths: units.find((unit) => !isLate(unit))?.files.map((file) => file.path) ?? [],
    units: names,
    skip: units
      .filter(isLate)
      .map((unit) => ({ paths: unit.files.map((file) => file.path), reason: `an older snapshot than ${loaded?.path}` })),
    folders: [],
  }
}

function unitsOf(files: readonly FileSeen[], table: TableConfig): readonly Unit[] {
  const units = new Map<string, { name: string; files: FileSeen[]; newest: FileSeen }>()
  for (const file of files.toSorted(compareFiles)) {
    const name = unitName(file, table)
    const unit = units.get(name) ?? { name, files: [], newest: file }
    unit.files.push(file)
    unit.newest = file
    units.set(name, unit)
  }
  return [...units.values()].toSorted((a, b) => compareFiles(a.newest, b.newest))
}

function unitName(file: FileSeen, table: TableConfig): string {
  if (table.snapshotUnit === 'folder') return dirname(file.path)
  return table.snapshotUnit === 'batch' ? '*' : file.path
}

function isOlder(unit: Unit, loaded: LoadedUnit): boolean {
  return compareFiles(unit.newest, { ...unit.newest, path: loaded.path, modifiedNs: loaded.modifiedNs }) < 0
}

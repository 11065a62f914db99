import { QUARANTINE_SUFFIX } from '../../model/quarantine.ts'
import type { Path } from '../input/places.ts'
import { formatPlace } from '../issues.ts'
import { isWithin, listsInside } from '../paths.ts'
import type { Desk } from './draft.ts'

/** What tables must not share. */
export interface Claim {
  readonly at: Path
  /** `database.table`; undefined where the name is wrong. */
  readonly name: string | undefined
  /** Folder or URL of the table; undefined where it is wrong. */
  readonly target: string | undefined
  /** Source pattern, of paths or of URLs. */
  readonly source: string | undefined
}

/** Two tables with one name or one folder, and sources that would list a table's own files. */
export function checkCollisions(claims: readonly Claim[], checkpointPath: string | undefined, desk: Desk): void {
  checkNames(claims, desk)
  checkTargets(claims, desk)
  checkQuarantines(claims, desk)
  for (const claim of claims) checkSource(claim, claims, desk)
  if (checkpointPath === undefined) return
  for (const { at, target, source } of claims) {
    if (target !== undefined && isWithin(checkpointPath, target)) {
      desk.issues.add(desk.places, keyAt(desk, at, 'target_path'), {
        problem: 'the table would lie around checkpoint_path',
        fix: 'choose another target_path or checkpoint_path',
        code: 'ING-CONFIG-COMBINATION',
      })
    }
    if (source !== undefined && listsInside(source)(checkpointPath)) {
      desk.issues.add(desk.places, [...at, 'source_path_pattern'], {
        problem: 'the pattern would look into checkpoint_path',
        fix: 'choose a narrower pattern or another checkpoint_path',
        code: 'ING-CONFIG-COMBINATION',
      })
    }
  }
}

function checkNames(claims: readonly Claim[], desk: Desk): void {
  const seen = new Map<string, Claim>()
  for (const claim of claims) {
    if (claim.name === undefined) continue
    // Names in SQL and on many disks ignore case.
    const key = claim.name.toLowerCase()
    const first = seen.get(key)
    if (first === undefined) {
      seen.set(key, claim)
      continue
    }
    const other = formatPlace(desk.places.at([...first.at, 'table_name']))
    const same = first.name === claim.name ? `${claim.name} is` : `${claim.name} and ${first.name ?? ''} differ by case alone; the first is`
    desk.issues.add(desk.places, [...claim.at, 'table_name'], {
      problem: `${same} already defined at ${other}`,
      fix: 'rename one, or give it another database_name',
      code: 'ING-CONFIG-DUPLICATE-TABLE',
    })
  }
}

function checkTargets(claims: readonly Claim[], desk: Desk): void {
  const first = new Map<string, number>()
  for (const [index, { target }] of claims.entries()) if (target !== undefined && !first.has(target)) first.set(target, index)
  for (const [index, { target }] of claims.entries()) {
    for (const folder of target === undefined ? [] : aroundAndItself(target)) {
      const other = first.get(folder)
      if (other !== undefined && other !== index) complainOfTargets(claims, [index, other], desk)
    }
  }
}

/** A table must not be where the rejected rows of another go. */
function checkQuarantines(claims: readonly Claim[], desk: Desk): void {
  for (const { at, name, target } of claims) {
    const other = claims.find((one) => isQuarantineOf(name?.toLowerCase(), one.name?.toLowerCase()) || isQuarantineOf(target, one.target))
    if (other === undefined) continue
    desk.issues.add(desk.places, [...at, 'table_name'], {
      problem: `${name ?? 'the table'} is the quarantine of ${other.name ?? 'another table'}`,
      fix: 'rename it, or give it another target_path',
      code: 'ING-CONFIG-DUPLICATE-TABLE',
    })
  }
}

function isQuarantineOf(one: string | undefined, other: string | undefined): boolean {
  return other !== undefined && one === `${other}${QUARANTINE_SUFFIX}`
}

/** A folder and all that it lies in. */
function aroundAndItself(folder: string): readonly string[] {
  const names = folder.split('/')
  return names.map((_, index) => names.slice(0, names.length - index).join('/')).filter((path) => path !== '')
}

/** `inner` lies in the folder of `outer`, or is the same; the later of the two is told. */
function complainOfTargets(claims: readonly Claim[], [inner, outer]: readonly [number, number], desk: Desk): void {
  const later = claims[Math.max(inner, outer)]
  const earlier = claims[Math.min(inner, outer)]
  // Two tables of one name are told by it.
  if (later?.target === undefined || earlier === undefined || later.name?.toLowerCase() === earlier.name?.toLowerCase()) return
  const relation = later.target === earlier.target ? 'is also' : inner > outer ? 'lies in' : 'holds'
  desk.issues.add(desk.places, keyAt(desk, later.at, 'target_path'), {
    problem: `${later.target} ${relation} the folder of ${earlier.name ?? 'another table'}`,
    fix: 'give one of them another target_path',
    code: 'ING-CONFIG-DUPLICATE-TABLE',
  })
}

function checkSource({ at, source }: Claim, claims: readonly Claim[], desk: Desk): void {
  if (source === undefined) return
  const looksInto = listsInside(source)
  const inside = claims.find(({ target }) => target !== undefined && looksInto(target))
  if (inside === undefined) return
  desk.issues.add(desk.places, [...at, 'source_path_pattern'], {
    problem: `the pattern would look into the folder of ${inside.name ?? 'a table'} (${inside.target ?? ''})`,
    fix: 'choose a narrower pattern, or keep tables and landing files apart',
    code: 'ING-CONFIG-COMBINATION',
  })
}

/** The key itself where it is written, and the table's name where it is a default. */
function keyAt(desk: Desk, at: Path, key: string): Path {
  const place = desk.places.at([...at, key])
  const table = desk.places.at(at)
  return place.line === table.line && place.column === table.column ? [...at, 'table_name'] : [...at, key]
}

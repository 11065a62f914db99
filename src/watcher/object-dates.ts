/** How much earlier than the newest period a folder is still listed each time: what comes late by a day, or by a time zone. */
const LATE_MS = 2 * 86_400_000

/** Sources whose date folders lie below more parents than these are always listed whole. */
const MOST_PARENTS = 1000

/** Time that the names of some folders stand for; `names` is how many of them tell it. */
export interface Period {
  readonly fromMs: number
  readonly toMs: number
  readonly names: number
  readonly unit: 'year' | 'month' | 'day'
}

/**
 * Folders of a source that are named by dates (`dt=2026-11-20/`, `2026/11/20/`, `year=2026/month=11/`), as full listings saw them: what is
 * new comes to the newest of them, so that the listings between need not look into the others. Paths are relative to the base of
 * the source; those of folders end with a slash, but for the base itself, which is empty.
 */
export class DateFolders {
  /** The newest period below each parent, by when it begins. */
  readonly #newest = new Map<string, number>()
  #isOverfull = false

  /** A folder that holds files of the source. */
  see(folder: string): void {
    if (this.#isOverfull) return
    const names = namesOf(folder)
    for (const index of names.keys()) {
      const period = periodOf(names.slice(index))
      if (period === undefined || period.unit === 'year') continue
      const parent = folderOf(names.slice(0, index))
      this.#newest.set(parent, Math.max(period.fromMs, this.#newest.get(parent) ?? period.fromMs))
      break
    }
    if (this.#newest.size <= MOST_PARENTS) return
    this.#isOverfull = true
    this.#newest.clear()
  }

  /** What a new listing of the whole source begins with. */
  clear(): void {
    this.#newest.clear()
    this.#isOverfull = false
  }

  /** Whether anything can be left out. */
  get isEmpty(): boolean {
    return this.#newest.size === 0
  }

  /** Whether folders that lie in this one, at any depth, may be passed over. */
  leadsToDates(folder: string): boolean {
    for (const parent of this.#newest.keys()) {
      if (parent.startsWith(folder)) return true
      if (!folder.startsWith(parent)) continue
      const names = namesOf(folder.slice(parent.length))
      const period = periodOf(names)
      if (period !== undefined && period.unit !== 'day' && period.names === names.length) return true
    }
    return false
  }

  /** Whether a folder stands for a time so old that nothing new is expected there. */
  isOld(folder: string, nowMs: number): boolean {
    const names = namesOf(folder)
    for (const index of names.keys()) {
      const newest = this.#newest.get(folderOf(names.slice(0, index)))
      if (newest === undefined) continue
      const period = periodOf(names.slice(index))
      // A partition of the year 9999 makes no other one old.
      if (period !== undefined && period.toMs <= Math.min(newest, nowMs) - LATE_MS) return true
    }
    return false
  }
}

const DAY = /^((?:19|20)\d{2})([-_.]?)(\d{2})\2(\d{2})(?:[-_T ]?\d{2}(?:[-_:.]?\d{2}){0,2}Z?)?$/
const MONTH = /^((?:19|20)\d{2})[-_.]?(\d{2})$/
const YEAR = /^((?:19|20)\d{2})$/
const NUMBER = /^\d{1,2}$/

/** The time that the first names stand for, with or without `key=` before each. */
function periodOf(names: readonly string[]): Period | undefined {
  const [first = '', second = '', third = ''] = names.slice(0, 3).map((name) => name.replace(/^[A-Za-z_]\w*=/, ''))
  const day = DAY.exec(first)
  if (day !== null) return dayOf(Number(day[1]), Number(day[3]), Number(day[4]), 1)
  const month = MONTH.exec(first)
  if (month !== null) return monthOf(Number(month[1]), Number(month[2]), 1)
  const year = Number(YEAR.exec(first)?.[1])
  if (Number.isNaN(year)) return undefined
  const inYear = NUMBER.test(second) ? monthOf(year, Number(second), 2) : undefined
  const inMonth = inYear !== undefined && NUMBER.test(third) ? dayOf(year, Number(second), Number(third), 3) : undefined
  return inMonth ?? inYear ?? { fromMs: Date.UTC(year), toMs: Date.UTC(year + 1), names: 1, unit: 'year' }
}

function monthOf(year: number, month: number, names: number): Period | undefined {
  if (month < 1 || month > 12) return undefined
  return { fromMs: Date.UTC(year, month - 1), toMs: Date.UTC(year, month), names, unit: 'month' }
}

function dayOf(year: number, month: number, day: number, names: number): Period | undefined {
  const fromMs = Date.UTC(year, month - 1, day)
  if (new Date(fromMs).getUTCDate() !== day || month < 1 || month > 12) return undefined
  return { fromMs, toMs: fromMs + 86_400_000, names, unit: 'day' }
}

function namesOf(folder: string): readonly string[] {
  return folder === '' ? [] : folder.slice(0, -1).split('/')
}

function folderOf(names: readonly string[]): string {
  return names.map((name) => `${name}/`).join('')
}

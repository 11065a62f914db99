import type { ErrorCode } from '../errors/codes.ts'
import { ConfigError, type ConfigIssue } from '../errors/errors.ts'
import type { Path, Places } from './input/places.ts'

/** What is wrong, and what to write instead. */
export interface Finding {
  readonly problem: string
  readonly fix: string
  readonly code: ErrorCode
}

/** All problems of a config, in the order of their places; each is told once. */
export class IssueList {
  readonly #issues = new Map<string, ConfigIssue>()
  readonly #files: string[] = []

  get count(): number {
    return this.#issues.size
  }

  /** A problem of a value. */
  add(places: Places, path: Path, finding: Finding): void {
    const { file, line, column, key } = places.at(path)
    this.addAt({ file, line, column, key }, finding)
  }

  /** A problem of a key, whatever its value. */
  addKey(places: Places, path: Path, finding: Finding): void {
    const { file, keyLine, keyColumn, key } = places.at(path)
    this.addAt({ file, line: keyLine, column: keyColumn, key }, finding)
  }

  addAt(place: Pick<ConfigIssue, 'file' | 'line' | 'column' | 'key'>, finding: Finding): void {
    if (!this.#files.includes(place.file)) this.#files.push(place.file)
    const issue = { file: place.file, line: place.line, column: place.column, key: place.key, ...finding }
    const isSamePlace = (other: ConfigIssue) =>
      other.file === issue.file && other.line === issue.line && other.column === issue.column && other.key === issue.key
    // What follows from a reference that gave nothing is no problem of its own.
    for (const [id, other] of this.#issues) {
      if (!isSamePlace(other)) continue
      if (other.code === 'ING-CONFIG-ENV' && issue.code !== 'ING-CONFIG-ENV') return
      if (issue.code === 'ING-CONFIG-ENV' && other.code !== 'ING-CONFIG-ENV') this.#issues.delete(id)
    }
    // A wrong value under `defaults` is found in every table.
    this.#issues.set(JSON.stringify(issue), issue)
  }

  sorted(): readonly ConfigIssue[] {
    // Files in the order of reading, then options and variables.
    const order = (issue: ConfigIssue) => (issue.line === 0 ? this.#files.length : this.#files.indexOf(issue.file))
    return [...this.#issues.values()].sort((a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column)
  }

  /** Ends the reading of a config that has problems. */
  throwIfAny(): void {
    const issues = this.sorted()
    const [first] = issues
    if (first === undefined) return
    throw new ConfigError(first.code, issues.map(formatIssue).join('\n'), issues)
  }
}

/** `ingest.yaml:3:20 max_parallel_jobs: must be …; write … [ING-CONFIG-VALUE]` */
function formatIssue(issue: ConfigIssue): string {
  const place = formatPlace(issue)
  const key = issue.key === '' ? '' : ` ${issue.key}`
  const where = `${place}${key}`.trim()
  return `${where === '' ? '' : `${where}: `}${issue.problem}; ${issue.fix} [${issue.code}]`
}

/** `ingest.yaml:3:20`, or the name alone of a source without lines. */
export function formatPlace(place: Pick<ConfigIssue, 'file' | 'line' | 'column'>): string {
  return place.line === 0 ? place.file : `${place.file}:${place.line}:${place.column}`
}

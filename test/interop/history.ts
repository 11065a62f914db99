import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExpectStatic } from 'vitest'
import type { Project } from './project.ts'
import type { Reader, TableRows } from './readers.ts'

/** What each version of a table must hold. */
export class History {
  readonly #project: Project
  readonly #wanted: TableRows[] = []

  constructor(project: Project) {
    this.#project = project
  }

  /** The newest version. */
  get version(): number {
    return this.#wanted.length - 1
  }

  /** Notes that all versions since the last note have these rows. */
  async note(rows: TableRows): Promise<void> {
    const newest = await newestVersion(this.#project.table)
    while (this.version < newest) this.#wanted.push(rows)
  }

  /** Compares every version, and by ingestd itself; `expect` is that of the running test. */
  async compare(others: readonly Reader[], expect: ExpectStatic): Promise<void> {
    await Promise.all(others.map((other) => this.#compareWith(other, expect)))
    for (const [version, wanted] of this.#wanted.entries()) {
      expect.soft(await this.#project.rowsAt(version), `ingestd at ${version}`).toEqual(wanted)
    }
  }

  async #compareWith(other: Reader, expect: ExpectStatic): Promise<void> {
    const seen = await other.readVersions(this.#project.table, [...this.#wanted.keys()])
    for (const [version, wanted] of this.#wanted.entries()) expect.soft(seen[version], `${other.name} at ${version}`).toEqual(wanted)
  }
}

/** -1 where there is no table. */
async function newestVersion(table: string): Promise<number> {
  const names = await readdir(join(table, '_delta_log')).catch(() => [])
  return Math.max(-1, ...names.filter((name) => /^\d{20}\.json$/.test(name)).map((name) => Number(name.slice(0, 20))))
}

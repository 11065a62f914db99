import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'

/** The tables that a load process has open. */
export class OpenTables {
  readonly #open: (table: TableConfig) => Promise<OpenTable>
  readonly #tables = new Map<string, OpenTable>()

  constructor(open: (table: TableConfig) => Promise<OpenTable>) {
    this.#open = open
  }

  /** The table at its newest version. One that cannot be gone on with, since its log is another by now, is opened anew by the next call. */
  async at(table: TableConfig): Promise<OpenTable> {
    // With other credentials it is opened anew.
    const key = JSON.stringify([table.targetPath, table.storage.target])
    const known = this.#tables.get(key)
    if (known === undefined) {
      const opened = await this.#open(table)
      this.#tables.set(key, opened)
      return opened
    }
    try {
      await known.refresh()
      return known
    } catch (error) {
      this.#tables.delete(key)
      await closed(known)
      throw error
    }
  }
}

async function closed(table: OpenTable): Promise<void> {
  try {
    await table[Symbol.asyncDispose]()
  } catch {
    // Why it is closed tells more.
  }
}

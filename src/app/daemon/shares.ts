/** A daemon that was not heard of for so long has no share. */
export const SILENT_MS = 20_000

/**
 * Who comes first for which table, where several daemons share a tracker: each has its part of the tables, and comes to those of others only when
 * these do not. It is a custom, no right: who may load is told by the lease alone.
 */
export class Shares {
  readonly #owner: string
  #peers: readonly string[] = []

  constructor(owner: string) {
    this.#owner = owner
  }

  /** `peers` are the daemons that were heard of lately, in an order that is the same for all. Whether they are others than before. */
  update(peers: readonly string[]): boolean {
    const isOther = peers.join('\n') !== this.#peers.join('\n')
    this.#peers = peers
    return isOther
  }

  /** Tables are dealt out in the order of their names, so that all daemons with the same tables come to the same. */
  isFirstFor(table: string, tables: readonly string[]): boolean {
    if (!this.#peers.includes(this.#owner)) return true
    const index = tables.toSorted().indexOf(table)
    return this.#peers[index % this.#peers.length] === this.#owner
  }
}

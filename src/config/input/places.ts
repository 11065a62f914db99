/** Keys and indexes from the root of the config to a value. */
export type Path = readonly (string | number)[]

/** Where a value was written. */
export interface Place {
  /** As the user named it, or `--var`, or the name of an environment variable. */
  readonly file: string
  /** 1-based; 0 where the source has no lines (an option, the environment, an object). */
  readonly line: number
  readonly column: number
  readonly keyLine: number
  readonly keyColumn: number
  /** The key within its file, as `tables[0].watch.marker`. */
  readonly key: string
  /** The value came from the environment, a file, a command or an option, and is not shown. */
  readonly outside: boolean
  /** What such a value may mean as well: `5` for the text '5', or the other way round. */
  readonly alternative?: unknown
}

/** Where everything in a config was written, by its path in the merged config. */
export class Places {
  readonly #places = new Map<string, Place>()
  readonly #aliases = new Map<string, Path>()
  readonly #root: Place

  constructor(file: string) {
    const at = file === '' ? 0 : 1
    this.#root = { file, line: at, column: at, keyLine: at, keyColumn: at, key: '', outside: false }
  }

  set(path: Path, place: Place): void {
    this.#aliases.delete(idOf(path))
    this.#places.set(idOf(path), place)
  }

  /** What stands at `path` was written at `source`: a default that was merged into a table. */
  alias(path: Path, source: Path): void {
    this.#aliases.set(idOf(path), source)
  }

  /** True when somebody wrote the value, there or under `defaults`. */
  isWritten(path: Path): boolean {
    return this.#places.has(idOf(path)) || this.isMerged(path)
  }

  /** True when the value was not written at the path itself, but merged in from `defaults`. */
  isMerged(path: Path): boolean {
    return path.some((_, index) => this.#aliases.has(idOf(path.slice(0, index + 1))))
  }

  /** The place of a value, or of the nearest thing around it, with the key of the value itself. */
  at(path: Path): Place {
    for (let length = path.length; length > 0; length -= 1) {
      const id = idOf(path.slice(0, length))
      const rest = path.slice(length)
      const place = this.#places.get(id)
      if (place !== undefined) return rest.length === 0 ? place : { ...place, key: keyOf(rest, place.key) }
      const source = this.#aliases.get(id)
      if (source !== undefined) return this.at([...source, ...rest])
    }
    return { ...this.#root, key: keyOf(path) }
  }

  /** Marks a value as one from outside. */
  markOutside(path: Path, alternative: unknown): void {
    this.set(path, { ...this.at(path), outside: true, alternative })
  }
}

/** `tables[0].watch.marker` */
export function keyOf(path: Path, prefix = ''): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === 'number') return `${key}[${part}]`
    return key === '' ? part : `${key}.${part}`
  }, prefix)
}

function idOf(path: Path): string {
  return JSON.stringify(path)
}

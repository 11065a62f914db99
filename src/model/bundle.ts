/** Small files of a group as a few large ones, for one quick read of all of them, in any order. */
export interface Bundle {
  readonly parts: readonly BundlePart[]
}

export interface BundlePart {
  /** Local path of the part. */
  readonly path: string
  /** Paths of its files; a row tells the position of its file among them. */
  readonly files: readonly string[]
  /** Rows of each of them, as its line ends tell. */
  readonly rows: readonly number[]
}

interface Bundled {
  readonly bundle?: Bundle
  readonly files: readonly { readonly path: string }[]
}

/** The bundle of a group, while all of its files are there and no others. */
export function bundleOf({ bundle, files }: Bundled): Bundle | undefined {
  if (bundle === undefined) return undefined
  const there = new Set(bundle.parts.flatMap((part) => part.files))
  return there.size === files.length && files.every(({ path }) => there.has(path)) ? bundle : undefined
}

/** The same files, read one by one. */
export function unbundled<G extends { readonly bundle?: Bundle }>(group: G): G | Omit<G, 'bundle'> {
  if (group.bundle === undefined) return group
  const { bundle: _, ...plain } = group
  return plain
}

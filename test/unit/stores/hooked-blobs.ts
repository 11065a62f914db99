import type { Blobs } from '../../../src/blobs/blobs.ts'
import { localBlobs } from '../../../src/blobs/local.ts'

/** Real storage, some methods of which are replaced; `real` is what they may call. */
export function hookedBlobs(root: string, hooks: (real: Blobs) => Partial<Blobs>): Blobs {
  const real = localBlobs(root)
  const replaced = hooks(real)
  return new Proxy(real, {
    get: (_, name: keyof Blobs) => {
      const found = replaced[name] ?? real[name]
      return typeof found === 'function' ? found.bind(real) : found
    },
  })
}

import { FileError } from '../errors/errors.ts'
import type { BatchFile } from '../model/file.ts'
import type { LoadJob } from './protocol.ts'
import type { Released } from './source.ts'

/** Files that leave a batch, each with its reason. */
export interface Leaving {
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
  readonly paths: ReadonlySet<string>
}

type Bad = Pick<Leaving, 'failed' | 'released'>

export function emptyLeaving(): Leaving {
  return { failed: [], released: [], paths: new Set() }
}

/**
 * Adds files to those that leave. A snapshot loads or fails whole: given the job of an overwrite, the siblings of a
 * file leave with it. For other strategies each file stands for itself.
 */
export function leave(leaving: Leaving, bad: Bad, job?: LoadJob): Leaving {
  const { failed, released } = job?.table.strategy === 'overwrite' ? withSiblings(bad, job.batch.files) : bad
  const fresh = {
    failed: failed.filter(({ file }) => !leaving.paths.has(file)),
    released: released.filter(({ path }) => !leaving.paths.has(path)),
  }
  return {
    failed: [...leaving.failed, ...fresh.failed],
    released: [...leaving.released, ...fresh.released],
    paths: new Set([...leaving.paths, ...fresh.failed.map(({ file }) => file), ...fresh.released.map(({ path }) => path)]),
  }
}

function withSiblings(bad: Bad, files: readonly BatchFile[]): Bad {
  const units = new Map(files.map((file) => [file.path, file.unit]))
  const own = new Set([...bad.failed.map(({ file }) => file), ...bad.released.map(({ path }) => path)])
  const causes = new Map(bad.failed.map((error) => [units.get(error.file), error]))
  const moved = new Map(bad.released.map((one) => [units.get(one.path), one]))
  const siblings = files.filter((file) => !own.has(file.path))
  const failed = siblings.flatMap((file) => {
    const cause = causes.get(file.unit)
    return cause === undefined ? [] : [siblingError(file, cause)]
  })
  const released = siblings
    .filter((file) => !causes.has(file.unit) && moved.has(file.unit))
    .map((file): Released => {
      const cause = moved.get(file.unit)
      if (cause?.held === true) return { path: file.path, reason: `${cause.path} of its snapshot is held: ${cause.reason}`, held: true }
      return { path: file.path, reason: 'another file of its snapshot changed while it was loaded' }
    })
  return { failed: [...bad.failed, ...failed], released: [...bad.released, ...released] }
}

function siblingError(file: BatchFile, cause: FileError): FileError {
  return new FileError(cause.code, file.path, `${file.path} was not loaded: its snapshot fails with ${cause.file} (${cause.message})`, {
    hint: cause.hint,
    retry: cause.retry,
  })
}

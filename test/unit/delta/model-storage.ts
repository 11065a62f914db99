import type { Blobs } from '../../../src/blobs/blobs.ts'
import { localBlobs } from '../../../src/blobs/local.ts'
import { UnavailableError } from '../../../src/errors/errors.ts'
import type { Schedule } from './schedules.ts'

export type Fault =
  | { readonly kind: 'none' }
  /** The process dies before or after its n-th step. */
  | { readonly kind: 'death'; readonly step: number; readonly when: 'before' | 'after' }
  /** The first put is made, and its answer is lost, or says that another made it. */
  | { readonly kind: 'lost' | 'exists' }
  /** The answer is lost, and the log cannot be read either. */
  | { readonly kind: 'dark' }

/** Storage as a writer sees it: once it has begun, each call to the log is a step. */
export function stepping(root: string, actor: string, schedule: Schedule, fault: Fault): { readonly blobs: Blobs; begin(): void } {
  const blobs = localBlobs(root)
  let begun = false
  let steps = 0
  let puts = 0
  const step = async <T>(act: () => Promise<T>): Promise<T> => {
    await schedule.step(actor)
    steps += 1
    const dies = fault.kind === 'death' && fault.step === steps
    if (dies && fault.when === 'before') return schedule.kill(actor)
    const result = await act()
    return dies ? schedule.kill(actor) : result
  }
  const isEntry = (path: string) => /^_delta_log\/\d{20}\.json$/.test(path)
  const changed: Partial<Blobs> = {
    list: (prefix, after) => (begun && prefix === '_delta_log' ? step(() => blobs.list(prefix, after)) : blobs.list(prefix, after)),
    read: (path) => {
      if (!begun || !isEntry(path)) return blobs.read(path)
      return step(() => (fault.kind === 'dark' && puts === 1 ? Promise.reject(lost()) : blobs.read(path)))
    },
    putIfAbsent: (path, content) => {
      if (!isEntry(path)) return blobs.putIfAbsent(path, content)
      return step(async () => {
        puts += 1
        const answer = await blobs.putIfAbsent(path, content)
        if (puts > 1 || fault.kind === 'none' || fault.kind === 'death') return answer
        if (fault.kind === 'exists') return 'exists'
        throw lost()
      })
    },
  }
  const stepped = new Proxy(blobs, {
    get: (target, name): unknown => {
      const own: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
  return {
    blobs: stepped,
    begin: () => {
      begun = true
    },
  }
}

function lost(): UnavailableError {
  return new UnavailableError('ING-STORAGE', 'the answer was lost')
}

import { isAbsolute } from 'node:path'
import { BugError, ConfigError } from '../errors/errors.ts'
import { moduleUrl } from '../lib/user-modules.ts'
import { append } from './append.ts'
import { merge } from './merge.ts'
import { overwrite } from './overwrite.ts'
import { scd2 } from './scd2.ts'
import type { Strategy } from './strategy.ts'

/** Strategies by the name that `loading_strategy` takes. */
export const STRATEGIES: Readonly<Record<string, Strategy>> = { append, overwrite, merge, scd2 }

/** A built-in strategy by name, or a module by absolute path that exports one as `default` or `strategy`. */
export async function loadStrategy(name: string): Promise<Strategy> {
  const known = STRATEGIES[name]
  if (known) return known
  if (!isAbsolute(name)) throw new BugError(`the strategy ${name} was not resolved`)
  const module = await importModule(name)
  const strategy = module['default'] ?? module['strategy']
  if (isStrategy(strategy)) return strategy
  throw new ConfigError('ING-CONFIG-MODULE', `${name} exports no strategy`, [], {
    hint: 'export default defineStrategy({ name, reads, plan })',
  })
}

async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(moduleUrl(path))) as Readonly<Record<string, unknown>>
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const hint = reason.includes("Cannot find package 'ingestd'") ? OURS_MISSING : undefined
    throw new ConfigError('ING-CONFIG-MODULE', `${path} cannot be loaded: ${reason}`, [], { cause, hint })
  }
}

/** A command that is installed for all is not found by the modules of a project. */
const OURS_MISSING = 'install the package where the module is: npm install ingestd, or npm link ingestd for the copy that `ingest` is'

function isStrategy(value: unknown): value is Strategy {
  return (
    typeof value === 'object' &&
    value !== null &&
    'plan' in value &&
    typeof value.plan === 'function' &&
    'reads' in value &&
    typeof value.reads === 'function'
  )
}

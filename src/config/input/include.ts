import type { Desk } from '../checks/draft.ts'
import type { Finding } from '../issues.ts'
import { displayName } from '../paths.ts'
import { expandGlob, readProblem, readText } from '../read-files.ts'
import { type BrokenReference, interpolate, type References } from './interpolate.ts'
import type { Path } from './places.ts'
import { child, isTree, withValueAt } from './tree.ts'
import { readYaml } from './yaml-text.ts'

export interface IncludeContext extends Desk {
  readonly references: References
  readonly folder: string
  readonly cwd: string
}

export interface WithIncludes {
  readonly value: unknown
  readonly broken: readonly BrokenReference[]
}

/** Adds the tables of all files that `include` names behind those of the config itself. */
export async function readIncludes(config: unknown, context: IncludeContext): Promise<WithIncludes> {
  const include = child(config, 'include')
  const own = child(config, 'tables')
  if (!Array.isArray(include) || (own !== undefined && !Array.isArray(own))) return { value: config, broken: [] }
  const tables: unknown[] = [...(own ?? [])]
  const broken: BrokenReference[] = []
  for (const file of await includedFiles(include, context)) {
    const found = await tablesOf(file, tables.length, context)
    tables.push(...found.tables)
    broken.push(...found.broken)
  }
  return { value: withValueAt(config, ['tables'], tables), broken }
}

interface IncludedFile {
  readonly path: string
  /** The entry of `include` that named it. */
  readonly from: Path
}

async function includedFiles(include: readonly unknown[], context: IncludeContext): Promise<readonly IncludedFile[]> {
  const files = new Map<string, IncludedFile>()
  for (const [index, pattern] of include.entries()) {
    if (typeof pattern !== 'string' || pattern === '' || pattern.includes('\0')) continue
    const from = ['include', index]
    try {
      for (const path of await expandGlob(pattern, context.folder)) if (!files.has(path)) files.set(path, { path, from })
    } catch (error) {
      context.issues.add(context.places, from, patternFinding(error))
    }
  }
  return [...files.values()]
}

async function tablesOf(
  file: IncludedFile,
  first: number,
  context: IncludeContext,
): Promise<{ readonly tables: readonly unknown[]; readonly broken: readonly BrokenReference[] }> {
  const { places, issues, references } = context
  const none = { tables: [], broken: [] }
  const name = displayName(file.path, context.cwd)
  let text: string
  try {
    text = await readText(file.path)
  } catch (error) {
    issues.add(places, file.from, {
      problem: `the included file ${name} ${readProblem(error)}`,
      fix: 'create it, or correct the pattern',
      code: 'ING-CONFIG-NOT-FOUND',
    })
    return none
  }
  const parsed = readYaml({ name, text }, issues)
  if (parsed === undefined || parsed.value === null) return none
  const written: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value]
  if (!Array.isArray(parsed.value) && (!isTree(parsed.value) || Object.hasOwn(parsed.value, 'tables'))) {
    issues.addAt(
      { file: name, line: 1, column: 1, key: '' },
      {
        problem: 'an included file is a table or a list of tables',
        fix: 'write the keys of the table, or a list of such maps',
        code: 'ING-CONFIG-VALUE',
      },
    )
    return none
  }
  const tables: unknown[] = []
  const broken: BrokenReference[] = []
  for (const [index, table] of written.entries()) {
    const prefix = ['tables', first + index]
    parsed.record(places, prefix, Array.isArray(parsed.value) ? [index] : [])
    const result = await interpolate(table, { prefix, places }, references)
    tables.push(result.value)
    broken.push(...result.broken)
  }
  return { tables, broken }
}

function patternFinding(error: unknown): Finding {
  if (error instanceof RangeError) return { problem: error.message, fix: 'write several patterns', code: 'ING-CONFIG-VALUE' }
  return { problem: `a folder of the pattern ${readProblem(error)}`, fix: 'grant read permission', code: 'ING-CONFIG-NOT-FOUND' }
}

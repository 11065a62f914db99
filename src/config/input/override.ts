import type { IssueList } from '../issues.ts'
import { nearest } from '../nearest.ts'
import { keyOf, type Path, type Places } from './places.ts'
import { parseFlow } from './scalar.ts'
import { child, isTree, valueAt, withValueAt } from './tree.ts'

/** Maps whose keys are names of the user's, which may hold dots. */
const NAME_MAPS = ['table_properties', 'columns', 'rename_columns', 'mask', 'format_options', 'params', 'path_columns']

const PREFIXES = ['DATALOADER_', 'INGEST_']

interface Target {
  readonly places: Places
  readonly issues: IssueList
}

/** `INGEST_MAX_PARALLEL_JOBS` and `DATALOADER_MAX_PARALLEL_JOBS` override `max_parallel_jobs`; the first wins. */
export function applyEnvironment(
  tree: unknown,
  env: Readonly<Record<string, string | undefined>>,
  keys: readonly Path[],
  target: Target,
): unknown {
  let result = tree
  for (const prefix of PREFIXES) {
    for (const path of keys) {
      const name = prefix + path.join('_').toUpperCase()
      const text = Object.hasOwn(env, name) ? env[name] : undefined
      if (text !== undefined && text !== '') result = put(result, { path, text, file: name }, target)
    }
  }
  return result
}

/** True when some variable could override a key, so that the keys are worth listing. */
export function hasOverrides(env: Readonly<Record<string, string | undefined>>): boolean {
  return Object.keys(env).some((name) => PREFIXES.some((prefix) => name.startsWith(prefix)))
}

/** `--var key=value`: keys of the config but for `tables.NAME.…`. */
export function applyGlobalOverrides(tree: unknown, overrides: readonly string[], target: Target): unknown {
  let result = tree
  for (const override of overrides) {
    const parsed = parseOverride(override, target)
    if (parsed === undefined || parsed.key.startsWith('tables.')) continue
    result = put(result, { path: pathOf(parsed.key), text: parsed.text, file: '--var' }, target)
  }
  return result
}

/** `--var tables.NAME.key=value`, once all tables are known by their names. */
export function applyTableOverrides(tree: unknown, overrides: readonly string[], target: Target): unknown {
  let result = tree
  for (const override of overrides) {
    const parsed = splitOverride(override)
    if (parsed === undefined || !parsed.key.startsWith('tables.')) continue
    const found = findTable(result, parsed.key.slice('tables.'.length))
    if (found.kind === 'found') {
      result = put(
        result,
        { path: ['tables', found.index, ...pathOf(found.rest)], text: parsed.text, file: '--var', key: parsed.key },
        target,
      )
      continue
    }
    target.issues.addAt(
      { file: '--var', line: 0, column: 0, key: parsed.key },
      { problem: found.problem, fix: found.fix, code: 'ING-CONFIG-TABLE-UNKNOWN' },
    )
  }
  return result
}

interface Override {
  readonly key: string
  readonly text: string
}

function splitOverride(override: string): Override | undefined {
  const equals = override.indexOf('=')
  const key = override.slice(0, Math.max(equals, 0)).trim()
  return key === '' || key.split('.').includes('') ? undefined : { key, text: override.slice(equals + 1) }
}

function parseOverride(override: string, target: Target): Override | undefined {
  const parsed = splitOverride(override)
  if (parsed !== undefined) return parsed
  const finding = {
    problem: 'an override must be key=value',
    fix: 'write for example --var max_parallel_jobs=2 or --var tables.orders.audit_columns=false',
    code: 'ING-CONFIG-VALUE',
  } as const
  target.issues.addAt({ file: '--var', line: 0, column: 0, key: '' }, finding)
  return undefined
}

function pathOf(key: string): Path {
  const parts = key.split('.')
  const map = parts.findIndex((part) => NAME_MAPS.includes(part))
  return map < 0 || map === parts.length - 1 ? parts : [...parts.slice(0, map + 1), parts.slice(map + 1).join('.')]
}

interface Put {
  readonly path: Path
  readonly text: string
  readonly file: string
  readonly key?: string
}

function put(tree: unknown, { path, text, file, key }: Put, { places, issues }: Target): unknown {
  const place = { file, line: 0, column: 0, keyLine: 0, keyColumn: 0, key: key ?? keyOf(path), outside: true }
  const parsed = parseFlow(text)
  if (!parsed.ok) {
    issues.addAt(place, { problem: parsed.problem, fix: 'quote it', code: 'ING-CONFIG-VALUE' })
    return tree
  }
  for (const length of path.keys()) {
    const around = path.slice(0, length)
    // Maps that the override makes.
    if (length > 0 && valueAt(tree, around) === undefined) places.set(around, { ...place, key: keyOf(around) })
  }
  places.set(path, { ...place, alternative: parsed.text })
  recordInner(parsed.value, path, place, places)
  return withValueAt(tree, path, parsed.value)
}

/** What lies in a flow value has the place of the whole. */
function recordInner(value: unknown, path: Path, place: Parameters<Places['set']>[1], places: Places): void {
  const items = Array.isArray(value) ? [...value.entries()] : isTree(value) ? Object.entries(value) : []
  for (const [key, item] of items) {
    places.set([...path, key], { ...place, key: keyOf([key], place.key) })
    recordInner(item, [...path, key], { ...place, key: keyOf([key], place.key) }, places)
  }
}

type TableSearch =
  | { readonly kind: 'found'; readonly index: number; readonly rest: string }
  | { readonly kind: 'none'; readonly problem: string; readonly fix: string }

function findTable(tree: unknown, key: string): TableSearch {
  const tables = child(tree, 'tables')
  const names = (Array.isArray(tables) ? tables : []).map((table) => namesOf(table, child(tree, 'defaults')))
  const fits = names.flatMap(({ bare, qualified }, index) =>
    [bare, qualified].filter((name) => key.startsWith(`${name}.`)).map((name) => ({ index, name })),
  )
  const longest = Math.max(0, ...fits.map(({ name }) => name.length))
  const best = fits.filter(({ name }) => name.length === longest)
  const [first, second] = best
  if (first === undefined) {
    const wanted = key.split('.')[0] ?? ''
    const proposal = nearest(
      wanted,
      names.map(({ bare }) => bare),
    )
    return {
      kind: 'none',
      problem: `there is no table ${wanted}`,
      fix: proposal === undefined ? 'name a table of the config' : `did you mean tables.${proposal}?`,
    }
  }
  if (second !== undefined && second.index !== first.index) {
    const qualified = best.map(({ index }) => names[index]?.qualified ?? '').join(' and ')
    return { kind: 'none', problem: `${first.name} names ${qualified}`, fix: `write tables.${names[first.index]?.qualified ?? ''}` }
  }
  return { kind: 'found', index: first.index, rest: key.slice(first.name.length + 1) }
}

function namesOf(table: unknown, defaults: unknown): { readonly bare: string; readonly qualified: string } {
  const [bare, database] = [child(table, 'table_name'), child(table, 'database_name') ?? child(defaults, 'database_name') ?? 'default']
  return typeof bare === 'string' && typeof database === 'string' ? { bare, qualified: `${database}.${bare}` } : { bare: '', qualified: '' }
}

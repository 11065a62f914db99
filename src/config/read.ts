import { dirname, resolve } from 'node:path'
import { ConfigError } from '../errors/errors.ts'
import type { ResolvedConfig } from './config.ts'
import { readIncludes } from './input/include.ts'
import { interpolate, type References } from './input/interpolate.ts'
import { applyEnvironment, applyGlobalOverrides, applyTableOverrides, hasOverrides } from './input/override.ts'
import { Places } from './input/places.ts'
import { isTree } from './input/tree.ts'
import { readYaml } from './input/yaml-text.ts'
import { IssueList } from './issues.ts'
import { scalarKeys } from './json-schema.ts'
import { displayName } from './paths.ts'
import { readProblem, readText } from './read-files.ts'
import { resolveConfig } from './resolve.ts'
import { readTransforms } from './transform-files.ts'

const COMMAND_TIMEOUT_MS = 30_000

/** A file, a text (YAML or JSON), or an object with the same keys; without any of them INGEST_CONFIG or `ingest.yaml`. */
export interface ConfigSource {
  readonly file?: string | undefined
  readonly text?: string | undefined
  readonly object?: Readonly<Record<string, unknown>> | undefined
}

export interface LoadOptions {
  /** `key=value` and `tables.NAME.key=value`. */
  readonly overrides: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** The config, checked and complete. Throws a ConfigError that holds all problems at once. */
export async function loadConfig(source: ConfigSource, options: LoadOptions): Promise<ResolvedConfig> {
  const issues = new IssueList()
  const document = await readDocument(source, options, issues)
  const { places, folder } = document
  const desk = { places, issues }
  const references: References = {
    env: options.env,
    readFile: async (path) => readText(resolve(folder, path)),
    folder,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  }

  const withEnvironment = hasOverrides(options.env) ? applyEnvironment(document.value, options.env, scalarKeys(), desk) : document.value
  const overridden = applyGlobalOverrides(withEnvironment, options.overrides, desk)
  const main = await interpolate(overridden, { prefix: [], places }, references)
  const included = await readIncludes(main.value, { ...desk, references, folder, cwd: options.cwd })
  const tree = applyTableOverrides(included.value, options.overrides, desk)
  // What an option replaced need not be there.
  const broken = [...main.broken, ...included.broken].filter(({ path }) => !places.at(path).outside)
  for (const { path, finding } of broken) issues.add(places, path, finding)

  const config = resolveConfig({
    tree,
    desk,
    file: document.file,
    folder,
    broken: broken.map(({ path }) => path),
    transforms: await readTransforms(tree, folder),
  })
  issues.throwIfAny()
  if (config === undefined) throw new ConfigError('ING-CONFIG-VALUE', 'the config is no map of keys')
  return config
}

/** The connections of a config as they are written, with references unresolved; none where there is no config and none is named. */
export async function writtenConnections(source: ConfigSource, options: LoadOptions): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { value } = await readDocument(source, options, new IssueList())
    const connections = isTree(value) ? value['connections'] : undefined
    return isTree(connections) ? connections : {}
  } catch (error) {
    const isNamed = source.file !== undefined || source.text !== undefined
    if (!isNamed && error instanceof ConfigError && error.code === 'ING-CONFIG-NOT-FOUND') return {}
    throw error
  }
}

interface ConfigDocument {
  readonly value: unknown
  readonly places: Places
  /** Absolute; null for text and objects. */
  readonly file: string | null
  readonly folder: string
}

async function readDocument(source: ConfigSource, options: LoadOptions, issues: IssueList): Promise<ConfigDocument> {
  if (source.object !== undefined) return { value: plainCopy(source.object), places: new Places(''), file: null, folder: options.cwd }
  if (source.text !== undefined) return { ...parse('--config-json', source.text, issues), file: null, folder: options.cwd }
  const named = source.file ?? (options.env['INGEST_CONFIG'] || options.env['DATALOADER_CONFIG_FILE'] || 'ingest.yaml')
  const file = resolve(options.cwd, named)
  const name = displayName(file, options.cwd)
  return { ...parse(name, await textOf(file, name), issues), file, folder: dirname(file) }
}

/** What a program passes may hold undefined values and dates; what holds itself is refused. */
function plainCopy(object: Readonly<Record<string, unknown>>): unknown {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(object))
    return copy
  } catch (cause) {
    throw new ConfigError('ING-CONFIG-VALUE', 'the config object cannot be written as JSON', [], {
      cause,
      hint: 'pass plain maps, lists, text, numbers, true, false and null',
    })
  }
}

async function textOf(file: string, name: string): Promise<string> {
  try {
    return await readText(file)
  } catch (cause) {
    throw new ConfigError('ING-CONFIG-NOT-FOUND', `the config file ${name} ${readProblem(cause)}`, [], {
      cause,
      hint: 'pass --config FILE, set INGEST_CONFIG, or create one with: ingest init DIR',
    })
  }
}

function parse(name: string, text: string, issues: IssueList): Pick<ConfigDocument, 'value' | 'places'> {
  const places = new Places(name)
  const parsed = readYaml({ name, text }, issues)
  issues.throwIfAny()
  parsed?.record(places, [], [])
  // A file of comments alone is an empty config.
  const value = parsed?.value ?? {}
  if (!isTree(value))
    issues.add(places, [], {
      problem: 'a config is a map of keys',
      fix: 'write for example raw_data_path: ./landing',
      code: 'ING-CONFIG-SYNTAX',
    })
  issues.throwIfAny()
  return { value, places }
}

import { execFile } from 'node:child_process'
import type { Finding } from '../issues.ts'
import type { Path, Places } from './places.ts'
import { parseScalar } from './scalar.ts'
import { isTree } from './tree.ts'

/** Where `${…}` takes its values from. */
export interface References {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The text of a file; rejects when it cannot be read. */
  readFile(path: string): Promise<string>
  /** Folder that commands run in. */
  readonly folder: string
  readonly commandTimeoutMs: number
}

/** A reference that gave nothing. */
export interface BrokenReference {
  readonly path: Path
  readonly finding: Finding
}

export interface Interpolated {
  readonly value: unknown
  readonly broken: readonly BrokenReference[]
}

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${file:path}` and `${cmd:command}` in all texts; `$${` stands for `${`.
 * What comes in is not looked at again. Values never stand in a finding.
 */
export async function interpolate(
  value: unknown,
  at: { readonly prefix: Path; readonly places: Places },
  references: References,
): Promise<Interpolated> {
  const broken: BrokenReference[] = []
  const commands = new Map<string, Promise<string>>()

  const visit = async (node: unknown, path: Path): Promise<unknown> => {
    if (Array.isArray(node)) return Promise.all(node.map(async (item: unknown, index) => visit(item, [...path, index])))
    if (isTree(node)) {
      const entries = Object.entries(node).map(async ([key, item]) => [key, await visit(item, [...path, key])] as const)
      return Object.fromEntries(await Promise.all(entries))
    }
    if (typeof node !== 'string' || !node.includes('${') || at.places.at(path).outside) return node
    try {
      const text = await expand(node, references, commands)
      if (text !== node.replaceAll('$${', '${')) at.places.markOutside(path, parseScalar(text))
      return text
    } catch (error) {
      if (!(error instanceof BrokenReferenceError)) throw error
      broken.push({ path, finding: { problem: error.message, fix: error.fix, code: 'ING-CONFIG-ENV' } })
      return node
    }
  }
  return { value: await visit(value, at.prefix), broken }
}

class BrokenReferenceError extends Error {
  readonly fix: string
  constructor(problem: string, fix: string) {
    super(problem)
    this.fix = fix
  }
}

async function expand(text: string, references: References, commands: Map<string, Promise<string>>): Promise<string> {
  let result = ''
  let rest = text
  for (;;) {
    const start = rest.indexOf('${')
    if (start < 0) return result + rest
    if (rest[start - 1] === '$') {
      result += `${rest.slice(0, start - 1)}\${`
      rest = rest.slice(start + 2)
      continue
    }
    const end = closingBrace(rest, start + 2)
    if (end < 0) throw new BrokenReferenceError('a ${ has no closing }', 'close it, or write $${ for the characters themselves')
    result += rest.slice(0, start) + (await resolve(rest.slice(start + 2, end), references, commands))
    rest = rest.slice(end + 1)
  }
}

/** Position of the `}` that belongs to a `${`, so that commands and defaults may hold braces. */
function closingBrace(text: string, from: number): number {
  let depth = 1
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === '{') depth += 1
    else if (text[index] === '}') depth -= 1
    if (depth === 0) return index
  }
  return -1
}

async function resolve(reference: string, references: References, commands: Map<string, Promise<string>>): Promise<string> {
  if (reference.startsWith('file:')) return fromFile(reference.slice('file:'.length), references)
  if (reference.startsWith('cmd:')) {
    const command = reference.slice('cmd:'.length)
    const running = commands.get(command) ?? fromCommand(command, references)
    commands.set(command, running)
    return running
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(reference)
  const [name, fallback] = [match?.[1], match?.[2]]
  if (name === undefined) {
    throw new BrokenReferenceError(
      'a ${…} names no variable',
      'write ${NAME}, ${NAME:-default}, ${file:path} or ${cmd:command}, or $${ for the characters themselves',
    )
  }
  const value = Object.hasOwn(references.env, name) ? references.env[name] : undefined
  if (fallback !== undefined) return value === undefined || value === '' ? expand(fallback, references, commands) : value
  if (value === undefined)
    throw new BrokenReferenceError(`the environment variable ${name} is not set`, `set it, or give a default: \${${name}:-value}`)
  return value
}

async function fromFile(path: string, references: References): Promise<string> {
  try {
    return withoutFinalNewline(await references.readFile(path))
  } catch (error) {
    const reason = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
    throw new BrokenReferenceError(`the file of \${file:${path}} cannot be read${reason}`, 'create it, or correct the path')
  }
}

// The command and what it printed may hold secrets, so neither is told.
function fromCommand(command: string, references: References): Promise<string> {
  return new Promise((resolveText, reject) => {
    const options = {
      cwd: references.folder,
      env: { ...references.env },
      timeout: references.commandTimeoutMs,
      maxBuffer: 1 << 20,
      killSignal: 'SIGKILL',
    } as const
    execFile('sh', ['-c', command], options, (error, stdout) => {
      if (error === null) resolveText(withoutFinalNewline(stdout))
      else reject(new BrokenReferenceError(`the command of a \${cmd:…} ${reasonOf(error)}`, 'run it by hand to see why'))
    })
  })
}

function reasonOf(error: { readonly killed?: boolean; readonly code?: unknown }): string {
  if (error.killed === true) return 'was stopped: it took too long or printed too much'
  return typeof error.code === 'number' ? `ended with exit code ${error.code}` : 'could not be run'
}

function withoutFinalNewline(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/**
 * Globs over paths: `*` and `?` stay within one name, `[a-z]` and `[!a-z]` are one character, `{a,b}` are alternatives,
 * `**` as a whole name is any number of folders, and `\` takes the next character as it is. Case counts.
 */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'glob'; readonly text: string; readonly test: RegExp }
  | { readonly kind: 'deep' }

/** The alternatives of a glob laid end to end; a position in it is where the next name of a path is compared. */
export interface Glob {
  readonly steps: readonly { readonly segment: Segment; readonly last: boolean }[]
  readonly start: readonly number[]
}

/** A pattern that stands for more alternatives than this is a mistake, and would be compared name by name. */
const MAX_ALTERNATIVES = 1024

const ANY: Segment = { kind: 'glob', text: '*', test: /^/ }

export function hasGlob(text: string): boolean {
  return /[*?[{]/.test(text.replaceAll(/\\./gsu, ''))
}

/** What a pattern without a glob says. */
export function literalOf(text: string): string {
  return text.replaceAll(/\\(.)/gsu, '$1')
}

/** Names by name, for each alternative. `tail` is a regular expression that may follow the last name. RangeError for too many alternatives. */
export function globSegments(pattern: string, tail = ''): readonly (readonly Segment[])[] {
  return expandBraces(pattern).map((alternative) => {
    const names = alternative.split('/').filter((name) => name !== '' && name !== '.')
    const segments = names.map((name, index) => segmentOf(name, index === names.length - 1 ? tail : ''))
    // A file has a name of its own: `a/**` are the files at any depth below a.
    return segments.at(-1)?.kind === 'deep' ? [...segments, ANY] : segments
  })
}

export function globOf(alternatives: readonly (readonly Segment[])[]): Glob {
  const steps: { segment: Segment; last: boolean }[] = []
  const start: number[] = []
  for (const segments of alternatives) {
    if (segments.length > 0) start.push(steps.length)
    for (const [index, segment] of segments.entries()) steps.push({ segment, last: index === segments.length - 1 })
  }
  return { steps, start: closed(steps, start) }
}

/** The positions below a folder of this name; none when nothing there can match. */
export function enterFolder(glob: Glob, positions: readonly number[], name: string): readonly number[] {
  const next: number[] = []
  for (const position of positions) {
    const step = glob.steps[position]
    if (step === undefined) continue
    if (step.segment.kind === 'deep') next.push(position)
    else if (!step.last && segmentMatches(step.segment, name)) next.push(position + 1)
  }
  return next.length === 0 ? next : closed(glob.steps, next)
}

export function takesFile(glob: Glob, positions: readonly number[], name: string): boolean {
  for (const position of positions) {
    const step = glob.steps[position]
    if (step?.last === true && segmentMatches(step.segment, name)) return true
  }
  return false
}

/** Whether a path without a leading slash matches. */
export function globMatches(glob: Glob, path: string): boolean {
  const names = path.split('/')
  const file = names.pop() ?? ''
  let positions = glob.start
  for (const name of names) positions = enterFolder(glob, positions, name)
  return takesFile(glob, positions, file)
}

export function segmentMatches(segment: Segment, name: string): boolean {
  if (segment.kind === 'glob') return segment.test.test(name)
  return segment.kind === 'deep' || segment.text === name
}

/** `**` also stands for no folder at all, so what follows it is a position, too. */
function closed(steps: Glob['steps'], positions: readonly number[]): readonly number[] {
  const all = new Set(positions)
  // A set goes on through what is added while it is walked, so `**/**` needs no second round.
  for (const position of all) if (steps[position]?.segment.kind === 'deep') all.add(position + 1)
  return [...all]
}

function expandBraces(text: string): readonly string[] {
  const brace = firstBrace(text)
  if (brace === undefined) return [text]
  const ends = expandBraces(text.slice(brace.end))
  const expanded: string[] = []
  for (const part of brace.parts.flatMap(expandBraces)) {
    if (expanded.length + ends.length > MAX_ALTERNATIVES)
      throw new RangeError(`the braces stand for more than ${MAX_ALTERNATIVES} alternatives`)
    for (const end of ends) expanded.push(text.slice(0, brace.start) + part + end)
  }
  return expanded
}

interface Brace {
  readonly start: number
  readonly end: number
  readonly parts: readonly string[]
}

/** The first `{…,…}`; braces that are not closed or hold no comma are plain text, as in a shell. */
function firstBrace(text: string): Brace | undefined {
  for (let start = 0; start < text.length; start += 1) {
    if (text[start] === '\\') start += 1
    else if (text[start] === '{') {
      const brace = braceAt(text, start)
      if (brace !== undefined) return brace
    }
  }
  return undefined
}

function braceAt(text: string, start: number): Brace | undefined {
  const parts: string[] = []
  let depth = 0
  let from = start + 1
  for (const { 0: token, index } of text.slice(start).matchAll(/\\.|[{},]/gsu)) {
    const at = start + index
    if (token === '{') depth += 1
    if (token === '}') depth -= 1
    if ((token === ',' && depth === 1) || depth === 0) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
    if (depth === 0) return parts.length === 1 ? undefined : { start, end: at + 1, parts }
  }
  return undefined
}

function segmentOf(text: string, tail: string): Segment {
  if (text === '**') return { kind: 'deep' }
  if (!hasGlob(text) && tail === '') return { kind: 'literal', text: literalOf(text) }
  return { kind: 'glob', text, test: new RegExp(`^${sourceOf(piecesOf(text))}${tail}$`, 'su') }
}

/** An escape, a class, stars, or one character. A `]` at the beginning of a class belongs to it, and `\` is plain there. */
const TOKEN = /\\.|\[(?:[!^].|[^!^])[^\]]*\]|\*+|./gsu

/** Regular expressions of what stands between the stars; each has a fixed number of characters. */
function piecesOf(text: string): readonly string[] {
  const pieces = ['']
  for (const token of text.match(TOKEN) ?? []) {
    if (token.startsWith('*')) pieces.push('')
    else pieces.push(`${pieces.pop() ?? ''}${characterOf(token)}`)
  }
  return pieces
}

function characterOf(token: string): string {
  if (token === '?') return '.'
  if (token.length > 1 && token.startsWith('\\')) return escaped(token.slice(1))
  return token.length > 1 && token.startsWith('[') ? classOf([...token.slice(1, -1)]) : escaped(token)
}

/**
 * The leftmost place is right for every piece but the last, so the lookahead holds it: without that, `*a*a*a*b` would
 * try every split of a long name.
 */
function sourceOf(pieces: readonly string[]): string {
  const [head = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return head
  return `${head}${rest.map((piece, index) => `(?=(.*?${piece}))\\${index + 1}`).join('')}.*${last}`
}

function classOf(body: readonly string[]): string {
  const negated = body[0] === '!' || body[0] === '^'
  const chars = negated ? body.slice(1) : body
  let source = ''
  for (let at = 0; at < chars.length; at += 1) {
    const from = chars[at] ?? ''
    const to = chars[at + 1] === '-' ? chars[at + 2] : undefined
    if (to === undefined) source += escaped(from)
    else {
      // A range that runs backwards holds no character.
      if ((from.codePointAt(0) ?? 0) <= (to.codePointAt(0) ?? 0)) source += `${escaped(from)}-${escaped(to)}`
      at += 2
    }
  }
  return `[${negated ? '^' : ''}${source}]`
}

function escaped(char: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char === '-' ? 'x2d' : char}` : char
}

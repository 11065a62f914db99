/**
 * SQL as a value: text and parameters side by side. Nothing that is read from outside becomes part of a statement
 * as text: values are bound (`${value}`), names are quoted (`${id(name)}`), and where DuckDB takes no parameter
 * (COPY, CREATE VIEW, SET) `literal` and `inlined` quote the values.
 */
export class Sql {
  /** Text around the parameters: one more than there are values. */
  readonly fragments: readonly string[]
  readonly values: readonly SqlValue[]

  constructor(fragments: readonly string[], values: readonly SqlValue[]) {
    this.fragments = fragments
    this.values = values
  }

  /** The statement with a `?` for each parameter. */
  get text(): string {
    return this.fragments.join('?')
  }
}

export type SqlValue = string | number | bigint | boolean | null

/** A statement or a part of one. Nested `Sql` is spliced, everything else is bound as a parameter. */
export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | SqlValue)[]): Sql {
  const pieces: (Sql | SqlValue)[] = []
  strings.forEach((text, index) => {
    pieces.push(raw(text))
    const part = parts[index]
    if (part !== undefined) pieces.push(part)
  })
  return spliced(pieces)
}

/** A name, quoted. */
export function id(name: string): Sql {
  return raw(`"${name.replaceAll('"', '""')}"`)
}

/** A string constant, quoted, where DuckDB takes no parameter. */
export function literal(value: string): Sql {
  return raw(quoted(value))
}

/** A list constant `['a', 'b']` of quoted strings. */
export function literalList(values: readonly string[]): Sql {
  return raw(`[${values.map(quoted).join(', ')}]`)
}

/** Quoted strings as a column: a row for each, none for an empty list. */
export function unnested(values: readonly string[]): Sql {
  return sql`unnest(${literalList(values)}::varchar[])`
}

/**
 * A list constant of files to open. The engine globs every path that it is given, so characters that mean something to
 * it stand in brackets; the file name that it reports back is the true one.
 */
export function pathList(paths: readonly string[]): Sql {
  return literalList(paths.map((path) => path.replaceAll(/[[*?]/g, '[$&]')))
}

/** The same for a column of paths. */
export function globSafe(path: Sql): Sql {
  return sql`regexp_replace(${path}, '([\\[*?])', '[\\1]', 'g')`
}

/** Parts joined by a separator of our own. */
export function join(parts: readonly Sql[], separator = ', '): Sql {
  return spliced(parts.flatMap((part, index) => (index === 0 ? [part] : [raw(separator), part])))
}

/** Text of our own making, or text that was checked to be a type, as `BIGINT`. Never for anything from outside. */
export function raw(text: string): Sql {
  return new Sql([text], [])
}

/** Statements that drop temporary tables, whether they were made or not. */
export function dropped(tables: readonly Sql[]): Sql {
  return join(
    tables.map((table) => sql`drop table if exists ${table}`),
    '; ',
  )
}

/** The same statement with its values as quoted constants, for statements that take no parameters. */
export function inlined(statement: Sql): Sql {
  return spliced(
    statement.fragments.flatMap((text, index) => (index === 0 ? [raw(text)] : [constant(statement.values[index - 1] ?? null), raw(text)])),
  )
}

/** By shape, not by class: a custom strategy may have loaded another copy of this file. */
function isSql(piece: Sql | SqlValue): piece is Sql {
  return typeof piece === 'object' && piece !== null && 'fragments' in piece && 'values' in piece
}

function constant(value: SqlValue): Sql {
  if (value === null) return raw('NULL')
  if (typeof value === 'string') return literal(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return raw(`'${value}'::DOUBLE`)
  return raw(String(value))
}

/** Text of a statement ends at a zero byte for the engine, so these stand beside the quotes. */
function quoted(value: string): string {
  const texts = value.split('\0').map((text) => `'${text.replaceAll("'", "''")}'`)
  return texts.length === 1 ? texts.join() : `(${texts.join(' || chr(0) || ')})`
}

function spliced(pieces: readonly (Sql | SqlValue)[]): Sql {
  const fragments = ['']
  const values: SqlValue[] = []
  for (const piece of pieces) {
    if (isSql(piece)) {
      const last = fragments.length - 1
      fragments[last] += piece.fragments[0] ?? ''
      fragments.push(...piece.fragments.slice(1))
      values.push(...piece.values)
    } else {
      values.push(piece)
      fragments.push('')
    }
  }
  return new Sql(fragments, values)
}

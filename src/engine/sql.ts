/**
 * SQL as a value: text and parameters side by side. Nothing that is read from outside becomes part of a statement
 * as text: values are bound (`${value}`), names are quoted (`${id(name)}`), and the few places where DuckDB takes
 * no parameter (COPY targets, SET) use `literal`, which quotes.
 */
export class Sql {
  readonly text: string
  readonly values: readonly SqlValue[]
  constructor(text: string, values: readonly SqlValue[]) {
    this.text = text
    this.values = values
  }
}

export type SqlValue = string | number | bigint | boolean | null

/** A statement or a part of one. Nested `Sql` is spliced, everything else is bound as a parameter. */
export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | SqlValue)[]): Sql {
  let text = strings[0] ?? ''
  const values: SqlValue[] = []
  parts.forEach((part, index) => {
    if (part instanceof Sql) {
      text += part.text
      values.push(...part.values)
    } else {
      text += '?'
      values.push(part)
    }
    text += strings[index + 1] ?? ''
  })
  return new Sql(text, values)
}

/** A name, quoted. */
export function id(name: string): Sql {
  return new Sql(`"${name.replaceAll('"', '""')}"`, [])
}

/** A string constant, quoted, where DuckDB takes no parameter. */
export function literal(value: string): Sql {
  return new Sql(`'${value.replaceAll("'", "''")}'`, [])
}

/** A list constant `['a', 'b']` of quoted strings. */
export function literalList(values: readonly string[]): Sql {
  return new Sql(`[${values.map((value) => literal(value).text).join(', ')}]`, [])
}

/** Parts joined by a separator of our own. */
export function join(parts: readonly Sql[], separator = ', '): Sql {
  return new Sql(parts.map((part) => part.text).join(separator), parts.flatMap((part) => part.values))
}

/**
 * Text of our own making, or text that was checked to be a type, as `BIGINT`. Never for anything from outside.
 */
export function raw(text: string): Sql {
  return new Sql(text, [])
}

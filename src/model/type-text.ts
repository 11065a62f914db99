/** A DuckDB type, parsed from the text that DESCRIBE prints. */
export type TypeNode =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'list'; readonly element: TypeNode }
  | { readonly kind: 'map'; readonly key: TypeNode; readonly value: TypeNode }
  | { readonly kind: 'struct'; readonly fields: readonly TypeField[] }

export interface TypeField {
  readonly name: string
  readonly type: TypeNode
}

/** Parses type text as DuckDB prints it; names in quotes keep their characters. Fixed-size arrays are lists. */
export function parseType(text: string): TypeNode {
  const parser = new TypeParser(text)
  const node = parser.type()
  parser.end()
  return node
}

/** The text of a type, as DuckDB takes it in a cast; every field name is quoted. */
export function typeText(node: TypeNode): string {
  switch (node.kind) {
    case 'plain':
      return node.text
    case 'list':
      return `${typeText(node.element)}[]`
    case 'map':
      return `MAP(${typeText(node.key)}, ${typeText(node.value)})`
    case 'struct':
      return `STRUCT(${node.fields.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${typeText(type)}`).join(', ')})`
  }
}

/** The same type with every plain part replaced. */
export function mapType(node: TypeNode, change: (plain: string) => string): TypeNode {
  switch (node.kind) {
    case 'plain':
      return { kind: 'plain', text: change(node.text) }
    case 'list':
      return { kind: 'list', element: mapType(node.element, change) }
    case 'map':
      return { kind: 'map', key: mapType(node.key, change), value: mapType(node.value, change) }
    case 'struct':
      return { kind: 'struct', fields: node.fields.map(({ name, type }) => ({ name, type: mapType(type, change) })) }
  }
}

class TypeParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  type(): TypeNode {
    let node = this.#base()
    for (let dimension = this.#take(/\[\d*\]/y); dimension !== undefined; dimension = this.#take(/\[\d*\]/y))
      node = { kind: 'list', element: node }
    return node
  }

  end(): void {
    this.#take(/\s+/y)
    if (this.#at < this.#text.length) this.#fail()
  }

  #base(): TypeNode {
    this.#take(/\s+/y)
    if (this.#take(/(STRUCT|ROW)\s*\(/iy) !== undefined) return { kind: 'struct', fields: this.#fields() }
    if (this.#take(/MAP\s*\(/iy) !== undefined) return this.#map()
    // DuckDB quotes the type of a column without values: "NULL".
    const name = this.#take(/[A-Za-z_][A-Za-z0-9_]*/y) ?? this.#take(/"(?:[^"]|"")*"/y)
    if (name === undefined) return this.#fail()
    const parameters = this.#take(/\s*\((?:[^()']|'(?:[^']|'')*'|\([^()]*\))*\)/y) ?? ''
    const zone = this.#take(/\s+WITH(OUT)?\s+TIME\s+ZONE/iy) ?? ''
    const precision = zone === '' && name.toUpperCase() === 'DOUBLE' ? (this.#take(/\s+PRECISION/iy) ?? '') : ''
    return { kind: 'plain', text: name + parameters.trim() + zone + precision }
  }

  #fields(): readonly TypeField[] {
    const fields: TypeField[] = []
    do {
      this.#take(/\s+/y)
      const name = this.#take(/"(?:[^"]|"")*"/y) ?? this.#take(/[^\s",()]+/y)
      if (name === undefined) return this.#fail()
      const type = this.type()
      fields.push({ name: name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name, type })
    } while (this.#take(/\s*,/y) !== undefined)
    this.#expect(/\s*\)/y)
    return fields
  }

  #map(): TypeNode {
    const key = this.type()
    this.#expect(/\s*,/y)
    const value = this.type()
    this.#expect(/\s*\)/y)
    return { kind: 'map', key, value }
  }

  /** `pattern` is sticky. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #expect(pattern: RegExp): void {
    if (this.#take(pattern) === undefined) this.#fail()
  }

  #fail(): never {
    throw new TypeTextError(`'${this.#text}' is not a type`)
  }
}

/** The text is not a type as DuckDB prints it. */
export class TypeTextError extends Error {}

import { badColumnName, duplicateColumn, wrongFormat } from '../file-problems.ts'
import type { Handlers, NumberMeaning, Sheet, Workbook } from './workbook.ts'
import { parsed, unescaped } from './workbook.ts'

/** The cells that are read: from a corner, to another where it is given. Counted from 1. */
export interface Range {
  readonly left: number
  readonly top: number
  readonly right: number | null
  readonly bottom: number | null
}

export interface SheetOptions {
  /** As messages name the sheet. */
  readonly path: string
  readonly range: Range
  readonly header: boolean
  /** Errors as #N/A, and formulas without a value, are null instead of failing the file. */
  readonly errorsAreNull: boolean
}

const WHOLE = /^([A-Z]{1,3})([1-9]\d*)(?::([A-Z]{1,3})([1-9]\d*)?)?$/

/** `B3`, `B3:F` or `B3:F100`. */
export function parseRange(text: string): Range | undefined {
  const found = WHOLE.exec(text.toUpperCase().replaceAll('$', ''))
  if (found === null) return undefined
  const [, left = '', top = '', right, bottom] = found
  return {
    left: columnNumber(left),
    top: Number(top),
    right: right === undefined ? null : columnNumber(right),
    bottom: bottom === undefined ? null : Number(bottom),
  }
}

function columnNumber(letters: string): number {
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0)
}

function columnLetters(column: number): string {
  const rest = (column - 1) % 26
  const before = (column - 1 - rest) / 26
  return (before === 0 ? '' : columnLetters(before)) + String.fromCharCode(65 + rest)
}

/** The rows of a sheet as objects in JSON, each on the line of its row; a row without values is an empty line. */
export async function* rowsOf(sheet: Sheet, workbook: Workbook, options: SheetOptions): AsyncGenerator<Buffer> {
  const reader = new SheetReader(workbook, options)
  for await (const _step of parsed(sheet.member, reader)) {
    const text = reader.taken()
    if (text !== '') yield Buffer.from(text)
  }
}

class SheetReader implements Handlers {
  readonly #workbook: Workbook
  readonly #options: SheetOptions
  #lines: string[] = []
  /** Lines that were written. */
  #written = 0
  #names: (string | undefined)[] | undefined
  #row = 0
  #column = 0
  #type = ''
  #meaning: NumberMeaning = 'number'
  #hasFormula = false
  #value: string | undefined
  #part: 'value' | 'text' | undefined
  #isAside = false
  /** JSON by column, of the row at hand. */
  #cells = new Map<number, string>()

  constructor(workbook: Workbook, options: SheetOptions) {
    this.#workbook = workbook
    this.#options = options
  }

  taken(): string {
    if (this.#lines.length === 0) return ''
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    return text
  }

  open(name: string, attributes: Readonly<Record<string, string | undefined>>): void {
    if (name === 'row') {
      this.#row = attributes['r'] === undefined ? this.#row + 1 : Number(attributes['r'])
      this.#column = 0
      this.#cells = new Map()
    } else if (name === 'c') this.#openCell(attributes)
    else if (name === 'f') this.#hasFormula = true
    else if (name === 'v') this.#part = 'value'
    else if (name === 'rPh') this.#isAside = true
    else if (name === 't' && !this.#isAside) this.#part = 'text'
    if (this.#part !== undefined && this.#value === undefined) this.#value = ''
  }

  #openCell({ r: place, t: type, s: style }: Readonly<Record<string, string | undefined>>): void {
    const letters = /^[A-Z]+/.exec(place ?? '')?.[0]
    this.#column = letters === undefined ? this.#column + 1 : columnNumber(letters)
    this.#type = type ?? 'n'
    this.#meaning = this.#workbook.meanings[Number(style ?? -1)] ?? 'number'
    this.#hasFormula = false
    this.#value = undefined
  }

  text(text: string): void {
    if (this.#part !== undefined) this.#value += text
  }

  close(name: string): void {
    if (name === 'v' || name === 't') this.#part = undefined
    else if (name === 'rPh') this.#isAside = false
    else if (name === 'c') this.#closeCell()
    else if (name === 'row') this.#closeRow()
  }

  #closeCell(): void {
    const { left, right, top, bottom } = this.#options.range
    const isInside =
      this.#column >= left && this.#column <= (right ?? this.#column) && this.#row >= top && this.#row <= (bottom ?? this.#row)
    if (!isInside) return
    const json = this.#json()
    if (json !== undefined) this.#cells.set(this.#column, json)
  }

  /** Undefined for an empty cell. */
  #json(): string | undefined {
    const value = this.#value
    if (value === undefined) return this.#hasFormula ? this.#problem('a formula without a value; open the workbook and save it') : undefined
    switch (this.#type) {
      case 's':
        return JSON.stringify(this.#workbook.strings[Number(value)] ?? '')
      case 'str':
      case 'inlineStr':
        return JSON.stringify(unescaped(value))
      case 'b':
        return value === '1' || value === 'true' ? 'true' : 'false'
      case 'e':
        return this.#problem(value)
      case 'd':
        return JSON.stringify(value)
      default:
        return this.#number(value.trim())
    }
  }

  #number(text: string): string | undefined {
    if (text === '') return undefined
    if (this.#meaning !== 'number') {
      const time = timeText(Number(text), this.#meaning, this.#workbook.is1904)
      if (time !== undefined) return JSON.stringify(time)
    }
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return text
    return Number.isFinite(Number(text)) ? String(Number(text)) : this.#problem(`${text} is no number`)
  }

  #problem(what: string): undefined {
    if (this.#options.errorsAreNull) return undefined
    const hint = 'mend the cell, or set format_options: {cell_errors: empty}'
    throw wrongFormat(this.#options.path, `line ${this.#row}, column ${columnLetters(this.#column)}: ${what}`, hint)
  }

  #closeRow(): void {
    if (this.#cells.size === 0) return
    // Lines are those of the sheet, so that messages tell the row.
    while (this.#written + 1 < this.#row) this.#line('')
    if (this.#names === undefined && this.#options.header) {
      this.#names = this.#header()
      this.#line('')
      return
    }
    this.#line(`{${this.#fields().join(',')}}`)
  }

  #fields(): readonly string[] {
    if (this.#names === undefined) return [...this.#cells].map(([column, json]) => `${JSON.stringify(columnLetters(column))}:${json}`)
    const named = this.#names
    const beyond = [...this.#cells.keys()].find((column) => named[column] === undefined)
    if (beyond !== undefined) {
      const what = `line ${this.#row}: column ${columnLetters(beyond)} has a value, but no name in the header`
      throw wrongFormat(this.#options.path, what, 'name it, or set format_options: {range: A1:F}')
    }
    return named.flatMap((name, column) => (name === undefined ? [] : [`${JSON.stringify(name)}:${this.#cells.get(column) ?? 'null'}`]))
  }

  #header(): (string | undefined)[] {
    const names: (string | undefined)[] = []
    const seen = new Map<string, string>()
    for (const [column, json] of this.#cells) {
      const value: unknown = JSON.parse(json)
      const name = String(value).trim()
      if (name === '') throw badColumnName(this.#options.path, `column ${columnLetters(column)} has a blank name`)
      const other = seen.get(name.toLowerCase())
      if (other !== undefined) throw duplicateColumn(this.#options.path, other, name)
      seen.set(name.toLowerCase(), name)
      names[column] = name
    }
    return Array.from(names, (name) => name)
  }

  #line(text: string): void {
    this.#lines.push(text)
    this.#written += 1
  }
}

const DAY_MS = 86_400_000

/** A day or time as ISO writes it; undefined where the number stands for none. */
export function timeText(serial: number, meaning: NumberMeaning, is1904: boolean): string | undefined {
  if (!Number.isFinite(serial) || serial < 0 || serial >= 2_958_466) return undefined
  const days = Math.floor(serial)
  const ms = Math.round((serial - days) * DAY_MS)
  if (meaning === 'time' && days === 0) return clock(ms)
  // The first day is 1900-01-01, and there is a 1900-02-29, which there was not.
  const first = is1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30)
  if (!is1904 && (days === 0 || days === 60)) return undefined
  const at = new Date(first + days * DAY_MS + ms).toISOString()
  const isDay = meaning === 'date' && ms === 0
  return isDay ? at.slice(0, 10) : `${at.slice(0, 10)} ${clock(ms % DAY_MS)}`
}

function clock(ms: number): string {
  const text = new Date(ms % DAY_MS).toISOString().slice(11, 23)
  return text.endsWith('.000') ? text.slice(0, 8) : text
}

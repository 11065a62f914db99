import { SaxesParser, type SaxesTagPlain } from 'saxes'
import type { Member } from '../unpack.ts'

/** What all sheets of a workbook share. */
export interface Workbook {
  readonly sheets: readonly Sheet[]
  readonly strings: readonly string[]
  /** What the number of a cell means, by the cell's style. */
  readonly meanings: readonly NumberMeaning[]
  /** Whether days are counted from 1904, as old Macs do. */
  readonly is1904: boolean
}

export interface Sheet {
  readonly name: string
  readonly isHidden: boolean
  readonly member: Member
}

/** A number of a cell is shown as itself, as a day, or as a time of a day; `time` is one without a day. */
export type NumberMeaning = 'number' | 'date' | 'timestamp' | 'time'

/** Reads what a workbook says of itself; undefined where the archive holds no workbook. */
export async function readWorkbook(members: readonly Member[]): Promise<Workbook | undefined> {
  const of = (name: string) => members.find((member) => member.name.toLowerCase() === name.toLowerCase())
  const root = of('xl/workbook.xml')
  if (root === undefined) return undefined
  const found: { id: string; name: string; isHidden: boolean }[] = []
  let is1904 = false
  await parse(root, {
    open: (name, attributes) => {
      if (name === 'sheet')
        found.push({
          id: attributes['r:id'] ?? attributes['id'] ?? '',
          name: attributes['name'] ?? '',
          isHidden: (attributes['state'] ?? 'visible') !== 'visible',
        })
      if (name === 'workbookPr') is1904 = ['1', 'true'].includes(attributes['date1904'] ?? '')
    },
  })
  const targets = await relationsOf(of('xl/_rels/workbook.xml.rels'))
  const sheets = found.flatMap(({ id, name, isHidden }) => {
    const target = targets.get(id)
    // A chart stands on a sheet of its own, which has no cells.
    const member = target === undefined || !target.includes('worksheets/') ? undefined : of(target)
    return member === undefined ? [] : [{ name, isHidden, member }]
  })
  const strings = [...targets.values()].find((target) => /sharedstrings\.xml$/i.test(target)) ?? 'xl/sharedStrings.xml'
  const styles = [...targets.values()].find((target) => /styles\.xml$/i.test(target)) ?? 'xl/styles.xml'
  return { sheets, strings: await stringsOf(of(strings)), meanings: await meaningsOf(of(styles)), is1904 }
}

/** Members that the parts of a workbook stand in, by their id. */
async function relationsOf(member: Member | undefined): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>()
  await parse(member, {
    open: (name, { Id: id, Target: target }) => {
      if (name === 'Relationship' && id !== undefined && target !== undefined)
        targets.set(id, target.startsWith('/') ? target.slice(1) : `xl/${target}`)
    },
  })
  return targets
}

async function stringsOf(member: Member | undefined): Promise<readonly string[]> {
  const strings: string[] = []
  let text = ''
  // Readings of Chinese characters stand beside them.
  let aside = false
  let inText = false
  await parse(member, {
    open: (name) => {
      if (name === 'si') text = ''
      if (name === 'rPh') aside = true
      inText = name === 't' && !aside
    },
    text: (part) => {
      if (inText) text += part
    },
    close: (name) => {
      inText = false
      if (name === 'rPh') aside = false
      if (name === 'si') strings.push(unescaped(text))
    },
  })
  return strings
}

async function meaningsOf(member: Member | undefined): Promise<readonly NumberMeaning[]> {
  const codes = new Map<string, string>()
  const formats: string[] = []
  let inCells = false
  await parse(member, {
    open: (name, attributes) => {
      if (name === 'numFmt') codes.set(attributes['numFmtId'] ?? '', attributes['formatCode'] ?? '')
      if (name === 'cellXfs') inCells = true
      if (name === 'xf' && inCells) formats.push(attributes['numFmtId'] ?? '0')
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false
    },
  })
  return formats.map((id) => meaningOf(Number(id), codes.get(id)))
}

/** By the code of the format that a workbook has of its own, or by the number of one that every workbook knows. */
export function meaningOf(id: number, code: string | undefined): NumberMeaning {
  if (code !== undefined) return meaningOfCode(code)
  if (id === 22) return 'timestamp'
  const isOf = (ranges: readonly (readonly [number, number])[]) => ranges.some(([from, to]) => id >= from && id <= to)
  if (isOf(DATES)) return 'date'
  return isOf(TIMES) ? 'time' : 'number'
}

/** Numbers of formats that are no text in any workbook; those from 27 on are of East Asia. 46 is a span of time. */
const DATES = [
  [14, 17],
  [27, 31],
  [36, 36],
  [50, 58],
] as const
const TIMES = [
  [18, 21],
  [32, 35],
  [45, 45],
  [47, 47],
] as const

function meaningOfCode(code: string): NumberMeaning {
  // Texts, escaped characters and colours are no part of it; nor are spans of time, as [h]:mm.
  const [first = ''] = code.split(';')
  const plain = first.replaceAll(/"[^"]*"|\\.|_.|\*./g, '')
  if (/\[(h+|m+|s+)\]/i.test(plain)) return 'number'
  const parts = plain
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/general/gi, '')
    .toLowerCase()
  const hasTime = /[hs]/.test(parts)
  // An m beside hours or seconds is minutes.
  const hasDay = /[yd]/.test(parts) || (!hasTime && parts.includes('m'))
  if (hasDay) return hasTime ? 'timestamp' : 'date'
  return hasTime ? 'time' : 'number'
}

/** Characters that XML cannot hold are written as `_x000D_`. */
export function unescaped(text: string): string {
  return text.includes('_x')
    ? text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text
}

/** What is done with the parts of a document; names come without their prefix. */
export interface Handlers {
  open?(name: string, attributes: Readonly<Record<string, string | undefined>>): void
  text?(text: string): void
  close?(name: string): void
}

async function parse(member: Member | undefined, handlers: Handlers): Promise<void> {
  for await (const _step of parsed(member, handlers));
}

/** Parses a member, and yields after each piece of it, so that what the handlers have gathered can go on. */
export async function* parsed(member: Member | undefined, handlers: Handlers): AsyncGenerator<undefined> {
  if (member === undefined) return
  const parser = new SaxesParser({ xmlns: false })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => handlers.open?.(localName(name), attributes))
  parser.on('closetag', ({ name }: SaxesTagPlain) => handlers.close?.(localName(name)))
  parser.on('text', (text) => handlers.text?.(text))
  parser.on('cdata', (text) => handlers.text?.(text))
  const decoder = new TextDecoder()
  for await (const bytes of member.bytes()) {
    parser.write(decoder.decode(bytes, { stream: true }))
    yield undefined
  }
  parser.write(decoder.decode())
  parser.close()
  yield undefined
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

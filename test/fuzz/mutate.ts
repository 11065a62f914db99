/** Numbers in [0, 1) that follow from a seed. */
export type Random = () => number

/** Mulberry32: the same numbers for a seed on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes that mean something to a format. */
const TELLING = Buffer.from('\0\n\r\t "\',;{}[]\\:-.0e\u00ff\u00fe', 'latin1')

/** A copy of the bytes with one to four changes: a bit or byte replaced, bytes put in, taken out, doubled, or the end cut off. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (let changes = 1 + below(4, random); changes > 0; changes -= 1) result = changed(result, random)
  return result
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = below(bytes.length + 1, random)
  const end = Math.min(bytes.length, at + 1 + below(8, random))
  const byte = random() < 0.5 ? (TELLING[below(TELLING.length, random)] ?? 0) : below(256, random)
  switch (below(6, random)) {
    case 0:
      return spliced(bytes, { at, end: at + 1, put: Buffer.from([(bytes[at] ?? 0) ^ (1 << below(8, random))]) })
    case 1:
      return spliced(bytes, { at, end: at + 1, put: Buffer.from([byte]) })
    case 2:
      return spliced(bytes, { at, end: at, put: Buffer.from([byte]) })
    case 3:
      return spliced(bytes, { at, end, put: Buffer.alloc(0) })
    case 4: {
      const from = below(bytes.length + 1, random)
      return spliced(bytes, { at, end: at, put: bytes.subarray(from, from + below(64, random)) })
    }
    default:
      return bytes.subarray(0, at)
  }
}

function spliced(bytes: Buffer, { at, end, put }: { readonly at: number; readonly end: number; readonly put: Uint8Array }): Buffer {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(end)])
}

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit)
}

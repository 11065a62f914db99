const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const VALUES: ReadonlyMap<string, number> = new Map([...ALPHABET].map((character, value) => [character, value]))

/** Base 85 of ZeroMQ: 4 bytes to 5 characters. The rest of the last group is filled with zeros. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  let text = ''
  for (let at = 0; at < padded.length; at += 4) {
    let group = view.getUint32(at)
    let characters = ''
    for (let place = 0; place < 5; place += 1) {
      characters = `${ALPHABET.charAt(group % 85)}${characters}`
      group = Math.floor(group / 85)
    }
    text += characters
  }
  return text
}

/** Undefined for a text that is none. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < text.length; at += 5) {
    let group = 0
    for (const character of text.slice(at, at + 5)) {
      const value = VALUES.get(character)
      if (value === undefined) return undefined
      group = group * 85 + value
    }
    if (group > 0xffffffff) return undefined
    view.setUint32((at / 5) * 4, group)
  }
  return bytes
}

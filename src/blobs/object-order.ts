/** Order of texts by their bytes in UTF-8, in which object stores list. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const one = a.charCodeAt(index)
    const other = b.charCodeAt(index)
    if (one !== other) return codePointRank(one) - codePointRank(other)
  }
  return a.length - b.length
}

/** Surrogates stand for characters that sort behind all others. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

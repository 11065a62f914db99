/** Characters that a bound keeps; longer texts are cut. */
const PREFIX = 32
/** Beyond this a cut that would have to go on finds no end, and the bound is left out. */
const LIMIT = 64
const LAST = '\u{10FFFF}'

/**
 * Bounds of texts in UTF-8 byte order, which is what readers compare by. The minimum may simply be cut, since a prefix
 * sorts first; a cut maximum gets a character after it that sorts behind everything that was cut.
 */
export function stringBounds(
  min: string | undefined,
  max: string | undefined,
): { readonly min?: string | undefined; readonly max?: string | undefined } {
  return {
    min: min === undefined ? undefined : [...min].slice(0, PREFIX).join(''),
    max: max === undefined ? undefined : cutMaximum([...max]),
  }
}

function cutMaximum(characters: readonly string[]): string | undefined {
  if (characters.length <= PREFIX) return characters.join('')
  let end = PREFIX
  // Nothing sorts behind the last code point, so the cut moves past it.
  while (end < LIMIT && characters[end] === LAST) end += 1
  const cut = characters[end]
  if (cut === undefined) return characters.join('')
  if (cut === LAST) return undefined
  return characters.slice(0, end).join('') + (cut < '\u007F' ? '\u007F' : LAST)
}

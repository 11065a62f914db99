/** DEL and the C1 controls, which JSON may hold as they are and some terminals obey. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g

/** JSON text of any value of ours; integers beyond 2^53 are strings. */
export function jsonText(value: unknown, indent = 0): string {
  const text = JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'bigint' ? bigintJson(entry) : entry), indent)
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function bigintJson(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** JSON whose numbers may be wider than a JavaScript number; fields that are undefined are left out. */
export type Json = string | number | bigint | boolean | null | ExactNumber | readonly Json[] | { readonly [name: string]: Json | undefined }

/** A number with the digits that it was given. */
export class ExactNumber {
  readonly digits: string
  constructor(digits: string) {
    this.digits = digits
  }
}

/** JSON text with every digit, which JSON.stringify cannot give. */
export function jsonText(value: Json): string {
  if (value instanceof ExactNumber) return value.digits
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`
  const fields = Object.entries(value).flatMap(([name, field]) =>
    field === undefined ? [] : [`${JSON.stringify(name)}:${jsonText(field)}`],
  )
  return `{${fields.join(',')}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

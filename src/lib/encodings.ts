/** How the bytes of a text are read: by the engine itself, or decoded before, by the name that decoders have for it. */
export type TextReading = { readonly kind: 'native' } | { readonly kind: 'decoded'; readonly label: string }

const NATIVE = ['utf8', 'utf16', 'latin1', 'iso88591']

/** The reading of an encoding by its name; undefined for one that nobody knows. */
export function textReading(name: string): TextReading | undefined {
  if (NATIVE.includes(name.toLowerCase().replaceAll(/[-_ ]/g, ''))) return { kind: 'native' }
  try {
    return { kind: 'decoded', label: new TextDecoder(name).encoding }
  } catch {
    return undefined
  }
}

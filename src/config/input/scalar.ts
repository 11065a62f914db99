import { parseDocument } from 'yaml'
import { isTree } from './tree.ts'

/** What a text would be as a YAML scalar: `5`, `true`, null; undefined where it stays the text that it is. */
export function parseScalar(text: string): number | boolean | undefined {
  if (text.length > 64 || /[\n#:[\]{},&*!|>'"%@`]/.test(text)) return undefined
  const document = parseDocument(text, { logLevel: 'silent' })
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS()
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

export type FlowValue =
  | { readonly ok: true; readonly value: unknown; readonly text: string | undefined }
  | { readonly ok: false; readonly problem: string }

/** A value of the command line or the environment: a scalar, or a flow list or map. `text` is what it is where text is asked for. */
export function parseFlow(text: string): FlowValue {
  try {
    const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false })
    if (document.errors.length > 0) return { ok: true, value: text, text: undefined }
    const value: unknown = document.toJS()
    const isFlow = typeof value !== 'object' || value === null || /^\s*[[{]/.test(text)
    // `webhook: x` reads as a map, but nobody writes block YAML in an option.
    if (!isFlow) return { ok: true, value: text, text: undefined }
    return { ok: true, value, text: typeof value === 'number' || typeof value === 'boolean' ? text : undefined }
  } catch {
    return { ok: false, problem: 'the value cannot be read as YAML' }
  }
}

/** A value as YAML in one line. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (isTree(value))
    return `{${Object.entries(value)
      .map(([key, item]) => ` ${key}: ${flow(item)}`)
      .join(',')}${Object.keys(value).length === 0 ? '' : ' '}}`
  if (typeof value !== 'string') return String(value)
  const isPlain =
    /^[A-Za-z0-9_./][A-Za-z0-9_./*% -]*$/.test(value) && !value.endsWith(' ') && parseScalar(value) === undefined && value !== 'null'
  return isPlain ? value : JSON.stringify(value)
}

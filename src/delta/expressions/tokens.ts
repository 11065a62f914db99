import { Refusal } from './refusal.ts'

/** One piece of an expression. */
export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'symbol'; readonly text: string }

const PIECE =
  /\s+|(?<word>[A-Za-z_][A-Za-z0-9_]*)|`(?<name>(?:[^`]|``)+)`|(?<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z0-9_.])|'(?<string>[^'\\]*)'(?!\s*')|(?<symbol>--|\/\*|<=>|<=|>=|<>|!=|==|&&|\|\||[-+*/%()=<>!,.])/y

/**
 * The pieces of a Spark SQL expression. What writers read differently is refused: double quotes (a text to one, a name to
 * another), backslashes in texts, and texts side by side, which double a quote or are joined.
 */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  const piece = new RegExp(PIECE)
  while (piece.lastIndex < text.length) {
    const from = piece.lastIndex
    const found = piece.exec(text)
    if (found === null) throw new Refusal(`${JSON.stringify(text.slice(from, from + 20))} is not understood`)
    const token = tokenOf(found.groups ?? {})
    if (token) tokens.push(token)
  }
  return tokens
}

function tokenOf({ word, name, number, string, symbol }: Readonly<Record<string, string | undefined>>): Token | undefined {
  if (word !== undefined) return { kind: 'word', text: word }
  if (name !== undefined) return { kind: 'name', text: name.replaceAll('``', '`') }
  if (number !== undefined) return { kind: 'number', text: number }
  if (string !== undefined) return { kind: 'string', text: string }
  return symbol === undefined ? undefined : { kind: 'symbol', text: symbol }
}

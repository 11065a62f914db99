import { Refusal } from './refusal.ts'
import { type Token, tokensOf } from './tokens.ts'

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>'
export type Arithmetic = '+' | '-' | '*' | '/' | '%'

/** A Spark SQL expression of the kind that we evaluate. */
export type Expression =
  | { readonly kind: 'number' | 'string'; readonly text: string }
  | { readonly kind: 'typed'; readonly type: 'date' | 'timestamp'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'column'; readonly path: readonly string[] }
  | { readonly kind: 'not' | 'minus'; readonly arg: Expression }
  | { readonly kind: 'logical'; readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'comparison'; readonly op: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'arithmetic'; readonly op: Arithmetic; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'in'; readonly arg: Expression; readonly list: readonly Expression[] }
  | { readonly kind: 'like'; readonly arg: Expression; readonly pattern: string }
  | { readonly kind: 'is'; readonly arg: Expression; readonly what: 'null' | 'true' | 'false' }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': '<=>',
}

/** Words that are no names of columns unless they are quoted. */
const RESERVED = new Set([
  'and',
  'or',
  'not',
  'in',
  'is',
  'like',
  'between',
  'null',
  'true',
  'false',
  'case',
  'when',
  'cast',
  'interval',
  'exists',
  'select',
])

/** Reads an expression by the precedence of Spark SQL. Refusal for every construct that is not listed here. */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokensOf(text))
  const expression = parser.or()
  parser.end()
  return expression
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  end(): void {
    const token = this.#tokens[this.#at]
    if (token !== undefined) throw new Refusal(`${token.text} is not expected there`)
  }

  or(): Expression {
    let left = this.#and()
    while (this.#word('or')) left = { kind: 'logical', op: 'or', left, right: this.#and() }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.#word('and')) left = { kind: 'logical', op: 'and', left, right: this.#not() }
    return left
  }

  #not(): Expression {
    return this.#word('not') || this.#symbol('!') ? { kind: 'not', arg: this.#not() } : this.#predicate()
  }

  #predicate(): Expression {
    const arg = this.#sum()
    const op = COMPARISONS[this.#peekSymbol()]
    if (op !== undefined) {
      this.#at += 1
      return { kind: 'comparison', op, left: arg, right: this.#sum() }
    }
    if (this.#word('is')) {
      const negated = this.#word('not')
      return negatedIf(negated, { kind: 'is', arg, what: this.#isWhat() })
    }
    const negated = this.#word('not')
    if (this.#word('in')) return negatedIf(negated, { kind: 'in', arg, list: this.#list() })
    if (this.#word('between')) return negatedIf(negated, this.#between(arg))
    if (this.#word('like')) return negatedIf(negated, { kind: 'like', arg, pattern: this.#text('a pattern') })
    if (negated) throw new Refusal('not is not expected there')
    return arg
  }

  #isWhat(): 'null' | 'true' | 'false' {
    for (const what of ['null', 'true', 'false'] as const) if (this.#word(what)) return what
    throw new Refusal('is is followed by null, true or false alone')
  }

  #between(arg: Expression): Expression {
    const low = this.#sum()
    if (!this.#word('and')) throw new Refusal('between needs and')
    const high = this.#sum()
    const left: Expression = { kind: 'comparison', op: '>=', left: arg, right: low }
    return { kind: 'logical', op: 'and', left, right: { kind: 'comparison', op: '<=', left: arg, right: high } }
  }

  #sum(): Expression {
    let left = this.#product()
    for (;;) {
      const op = this.#peekSymbol()
      if (op !== '+' && op !== '-') return left
      this.#at += 1
      left = { kind: 'arithmetic', op, left, right: this.#product() }
    }
  }

  #product(): Expression {
    let left = this.#unary()
    for (;;) {
      const op = this.#peekSymbol()
      if (op !== '*' && op !== '/' && op !== '%') return left
      this.#at += 1
      left = { kind: 'arithmetic', op, left, right: this.#unary() }
    }
  }

  #unary(): Expression {
    if (this.#symbol('+')) return this.#unary()
    if (!this.#symbol('-')) return this.#primary()
    const arg = this.#unary()
    // The least number of a type has no positive twin.
    return arg.kind === 'number' && !arg.text.startsWith('-') ? { kind: 'number', text: `-${arg.text}` } : { kind: 'minus', arg }
  }

  #primary(): Expression {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new Refusal('it ends too early')
    this.#at += 1
    switch (token.kind) {
      case 'number':
        return { kind: 'number', text: token.text }
      case 'string':
        return { kind: 'string', text: token.text }
      case 'name':
        return this.#column(token.text)
      case 'word':
        return this.#named(token.text)
      case 'symbol': {
        if (token.text !== '(') throw new Refusal(`${token.text} is not expected there`)
        const inner = this.or()
        this.#need(')')
        return inner
      }
    }
  }

  #named(word: string): Expression {
    const lower = word.toLowerCase()
    if (lower === 'true' || lower === 'false') return { kind: 'boolean', value: lower === 'true' }
    if (RESERVED.has(lower)) throw new Refusal(`${word} is not understood`)
    const next = this.#tokens[this.#at]
    if ((lower === 'date' || lower === 'timestamp') && next?.kind === 'string') {
      this.#at += 1
      return { kind: 'typed', type: lower, text: next.text }
    }
    return this.#peekSymbol() === '(' ? { kind: 'call', name: lower, args: this.#list() } : this.#column(word)
  }

  #column(first: string): Expression {
    const path = [first]
    while (this.#symbol('.')) {
      const token = this.#tokens[this.#at]
      if (token?.kind !== 'word' && token?.kind !== 'name') throw new Refusal('a name must follow the dot')
      this.#at += 1
      path.push(token.text)
    }
    return { kind: 'column', path }
  }

  #list(): readonly Expression[] {
    this.#need('(')
    const list = [this.or()]
    while (this.#symbol(',')) list.push(this.or())
    this.#need(')')
    return list
  }

  #text(what: string): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'string') throw new Refusal(`${what} must be a text`)
    this.#at += 1
    return token.text
  }

  #need(symbol: string): void {
    if (!this.#symbol(symbol)) throw new Refusal(`${symbol} is missing`)
  }

  #peekSymbol(): string {
    const token = this.#tokens[this.#at]
    return token?.kind === 'symbol' ? token.text : ''
  }

  #symbol(symbol: string): boolean {
    const is = this.#peekSymbol() === symbol
    if (is) this.#at += 1
    return is
  }

  #word(word: string): boolean {
    const token = this.#tokens[this.#at]
    const is = token?.kind === 'word' && token.text.toLowerCase() === word
    if (is) this.#at += 1
    return is
  }
}

function negatedIf(negated: boolean, expression: Expression): Expression {
  return negated ? { kind: 'not', arg: expression } : expression
}

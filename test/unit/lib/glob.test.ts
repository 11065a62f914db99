import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globMatches, globOf, globSegments, hasGlob, literalOf } from '../../../src/lib/glob.ts'

const escapeGlob = (text: string) => text.replaceAll(/[\\*?[\]{}]/g, '\\$&')
const matches = (pattern: string, path: string) => globMatches(globOf(globSegments(pattern)), path)

describe('globs', () => {
  it.each([
    ['*.csv', 'a.csv', true],
    ['*.csv', '.csv', true],
    ['*.csv', 'a.CSV', false],
    ['*.csv', 'x/a.csv', false],
    ['*.csv', 'a.csv.gz', false],
    ['?.csv', 'a.csv', true],
    ['?.csv', '😀.csv', true],
    ['?.csv', 'ab.csv', false],
    ['a/*/b.csv', 'a/x/b.csv', true],
    ['a/*/b.csv', 'a/b.csv', false],
    ['a/*/b.csv', 'a/x/y/b.csv', false],
    ['**/*.csv', 'a.csv', true],
    ['**/*.csv', 'x/y/z/a.csv', true],
    ['x/**/y/*.csv', 'x/y/a.csv', true],
    ['x/**/y/*.csv', 'x/y/y/a.csv', true],
    ['x/**/y/*.csv', 'x/z/a.csv', false],
    ['x/**', 'x/a', true],
    ['x/**', 'x/y/a', true],
    ['x/**', 'x', false],
    ['**/**/a', 'a', true],
    ['a**b', 'axxb', true],
    ['a**b', 'ax/xb', false],
    ['[ab].csv', 'b.csv', true],
    ['[!ab].csv', 'b.csv', false],
    ['[^ab].csv', 'c.csv', true],
    ['[a-c]1', 'b1', true],
    ['[c-a]1', 'b1', false],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['[.]', 'x', false],
    ['[\\]', '\\', true],
    ['a[b', 'a[b', true],
    ['{a,b}.csv', 'b.csv', true],
    ['{a,b}.csv', 'c.csv', false],
    ['{a/b,c}/*.csv', 'a/b/x.csv', true],
    ['{a/b,c}/*.csv', 'c/x.csv', true],
    ['x{,y}', 'x', true],
    ['{a,{b,c}d}', 'cd', true],
    ['{a}', '{a}', true],
    ['{a,b', '{a,b', true],
    ['\\*.csv', '*.csv', true],
    ['\\*.csv', 'a.csv', false],
    ['\\**', '*a', true],
    ['a+(b).csv', 'a+(b).csv', true],
    ['a.csv', 'axcsv', false],
    ['*', 'two\nlines', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['*a*b*c', 'xxbxxaxxc', false],
    ['*ab*abc', 'abxabc', true],
    ['*aba*aba', 'aba', false],
  ])('%j against %j is %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected)
  })

  it('an escaped text matches itself and nothing else', () => {
    const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', '*', '?', '[', ']', '{', '}', ',', '\\', '!', '-', '.', '#') })
    fc.assert(
      fc.property(name, name, (text, other) => {
        fc.pre(text !== '.' && other !== '.')
        expect(hasGlob(escapeGlob(text))).toBe(false)
        expect(literalOf(escapeGlob(text))).toBe(text)
        expect(matches(escapeGlob(text), other)).toBe(text === other)
      }),
    )
  })

  it('stars agree with the plain definition of a star', () => {
    const defined = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === ''
      if (pattern[0] !== '*') return pattern[0] === text[0] && text !== '' && defined(pattern.slice(1), text.slice(1))
      return defined(pattern.slice(1), text) || (text !== '' && defined(pattern, text.slice(1)))
    }
    const letters = fc.string({ minLength: 1, maxLength: 9, unit: fc.constantFrom('a', 'b') })
    const pattern = fc.string({ minLength: 1, maxLength: 7, unit: fc.constantFrom('a', 'b', '*') }).filter((text) => text !== '**')
    fc.assert(
      fc.property(pattern, letters, (glob, text) => {
        expect(matches(glob, text)).toBe(defined(glob, text))
      }),
      { numRuns: 1000 },
    )
  })

  it('many stars do not make a long name slow', () => {
    const started = performance.now()
    expect(matches('*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(250))).toBe(false)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('braces that stand for too many alternatives are refused', () => {
    expect(() => globSegments('{a,b}'.repeat(30))).toThrow(RangeError)
  })
})

import { REJECT_RULES } from '../../model/reject.ts'
import { nameOf } from '../expectations.ts'
import type { Path } from '../input/places.ts'
import type { TableInput } from '../schema/table.ts'

interface Problem {
  readonly key: Path
  readonly problem: string
  readonly fix: string
}

type Written = TableInput['expectations'][number]

/** The first rule that cannot be told from another, or that nothing can break or fulfil. */
export function expectationClash({ expectations }: TableInput): Problem | undefined {
  const seen = new Set<string>(REJECT_RULES)
  for (const [index, rule] of expectations.entries()) {
    const at = ['expectations', index]
    const name = nameOf(rule)
    if (seen.has(name.toLowerCase())) return taken(rule, name, at)
    seen.add(name.toLowerCase())
    const found = 'row_count' in rule ? rowCountProblem(rule.row_count, at) : 'unique' in rule ? uniqueProblem(rule.unique, at) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function taken(rule: Written, name: string, at: Path): Problem {
  const key = rule.name === undefined ? at : [...at, 'name']
  const isOwn = REJECT_RULES.some((one) => one === name.toLowerCase())
  const problem = isOwn ? `${name} is what rows are rejected for without an expectation` : `another expectation is named ${name}`
  return { key, problem, fix: 'choose another name' }
}

function uniqueProblem(columns: readonly string[], at: Path): Problem | undefined {
  if (columns.length > 0) return undefined
  return { key: [...at, 'unique'], problem: 'unique names no column', fix: 'write for example unique: [order_id]' }
}

function rowCountProblem({ min, max }: { readonly min: number | null; readonly max: number | null }, at: Path): Problem | undefined {
  const key = [...at, 'row_count']
  if (min === null && max === null) return { key, problem: 'row_count has neither min nor max', fix: 'write for example {min: 1}' }
  return min !== null && max !== null && min > max ? { key, problem: `min ${min} is above max ${max}`, fix: 'exchange them' } : undefined
}

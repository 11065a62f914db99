import { Landing } from './landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

export function expecting(expectations: readonly Record<string, unknown>[], table: Record<string, unknown> = {}): Landing {
  return new Landing({ expectations, columns: { id: 'BIGINT', amount: 'BIGINT' }, ...table })
}

export function only({ tables }: Report) {
  const [table] = tables
  if (table === undefined) throw new Error('no table was run')
  return table
}

export function errorsOf(report: Report): readonly string[] {
  return only(report).errors.map(({ code, message }) => `${code} ${message.replaceAll(/\S*\/landing\//g, '')}`)
}

export function warningsOf(report: Report): readonly string[] {
  return only(report).warnings.map(({ code, message }) => `${code} ${message.replaceAll(/\S*\/landing\//g, '')}`)
}

export const POSITIVE = { name: 'positive', check: 'amount >= 0' }

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { Landing } from '../support/landing.ts'

const PAGE = readFileSync(new URL('../../docs/strategies.md', import.meta.url), 'utf8')

/** A config, then files and the tables that they make, as they stand on the page. */
interface Example {
  readonly title: string
  readonly config: Record<string, unknown>
  readonly steps: readonly Step[]
}

type Step =
  | { readonly kind: 'file'; readonly name: string; readonly content: string }
  | { readonly kind: 'table'; readonly cells: readonly (readonly string[])[] }

const BLOCKS =
  /^## (?<title>.+)$|^```yaml\n(?<config>[\s\S]*?)^```$|^```csv (?<name>\S+)\n(?<content>[\s\S]*?)^```$|^(?<table>(?:\|.*\|\n)+)/gm

function examplesOf(page: string): readonly Example[] {
  const examples: { title: string; config: Record<string, unknown>; steps: Step[] }[] = []
  let title = ''
  for (const { groups } of page.matchAll(BLOCKS)) {
    const last = examples.at(-1)
    if (groups?.['title']) title = groups['title']
    else if (groups?.['config']) examples.push({ title, config: parse(groups['config']) as Record<string, unknown>, steps: [] })
    else if (groups?.['name'] && last) last.steps.push({ kind: 'file', name: groups['name'], content: groups['content'] ?? '' })
    // Other tables of the page follow no file.
    else if (groups?.['table'] && last?.title === title && last.steps.length > 0)
      last.steps.push({ kind: 'table', cells: cellsOf(groups['table']) })
  }
  return examples
}

function cellsOf(table: string): readonly (readonly string[])[] {
  const rows = table
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  return rows.filter((_, index) => index !== 1)
}

const EXAMPLES = examplesOf(PAGE)

test('the page has an example of each strategy, and each shows a table', () => {
  expect(EXAMPLES.map(({ title }) => title)).toEqual(['append', 'overwrite', 'merge', 'scd2', 'scd2', 'Reference tables'])
  for (const { steps } of EXAMPLES) expect(steps.at(-1)?.kind).toBe('table')
})

test.for(EXAMPLES.map((example, index) => ({ ...example, index })))('docs/strategies.md: $title $index', async ({ config, steps }) => {
  const landing = new Landing(config)
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'file') {
      landing.land(step.name, step.content, index)
      continue
    }
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', errors: [] })
    const [names = [], ...rows] = step.cells
    expect(await cells(landing, names)).toEqual(rows)
  }
})

async function cells(landing: Landing, names: readonly string[]): Promise<readonly (readonly string[])[]> {
  const texts = names.map((name) => `coalesce("${name}"::varchar, '') as "${name}"`)
  const order = names.includes('effective_date') ? 'id, effective_date' : (names[0] ?? '1')
  const rows: string[][] = []
  await landing.use((ingest) =>
    ingest.query(
      `select ${texts.join(', ')} from "default".t order by "default".t.${order.replace(', ', ', "default".t.')}`,
      async ({ chunks }) => {
        for await (const chunk of chunks) rows.push(...chunk.map((row) => row.map(String)))
      },
    ),
  )
  return rows
}

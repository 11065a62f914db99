import { resolve } from 'node:path'
import type { TransformConfig, TransformModule } from '../model/table.ts'
import { complain, type Desk, type TableDraft } from './checks/draft.ts'
import { child, valueAt } from './input/tree.ts'
import { readProblem, readText } from './read-files.ts'

/** The text of a file that a config names, or why it cannot be read. */
export type FileText = { readonly text: string } | { readonly problem: string }

/** Reads the files of all transforms, by the path as it is written. */
export async function readTransforms(tree: unknown, folder: string): Promise<ReadonlyMap<string, FileText>> {
  const tables = child(tree, 'tables')
  const named = [child(tree, 'defaults'), ...(Array.isArray(tables) ? tables : [])].map((table) => valueAt(table, ['transform', 'file']))
  const paths = [...new Set(named.filter((path) => typeof path === 'string' && path !== ''))].map(String)
  const read = async (path: string): Promise<FileText> => {
    try {
      return { text: await readText(resolve(folder, path)) }
    } catch (error) {
      return { problem: readProblem(error) }
    }
  }
  return new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)))
}

/** The query of a table; null where there is none, or where an issue says why. */
export function transformOf(draft: TableDraft, texts: ReadonlyMap<string, FileText>, desk: Desk): TransformConfig | null {
  const { sql, file, params } = draft.input.transform
  if (sql !== null) return { sql, place: 'transform.sql', params }
  if (file === null) return null
  const found = texts.get(file)
  if (found !== undefined && 'text' in found) return { sql: found.text, place: file, params }
  complain(desk, draft, ['transform', 'file'], {
    problem: `the file ${found?.problem ?? 'cannot be read'}`,
    fix: 'create it, or correct the path, which starts at the folder of the config',
    code: 'ING-CONFIG-VALUE',
  })
  return null
}

/** The module of a table; null where there is none. It is loaded when it is used. */
export function transformModuleOf({ input }: Pick<TableDraft, 'input'>, folder: string): TransformModule | null {
  const { module, params } = input.transform
  return module === null ? null : { path: resolve(folder, module), place: module, params }
}

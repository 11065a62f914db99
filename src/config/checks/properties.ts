import { complain, type Desk, type TableDraft } from './draft.ts'

/** Properties of the table by which ingestd knows it are not given by hand. */
export function checkProperties(draft: TableDraft, desk: Desk): void {
  for (const name of Object.keys(draft.input.table_properties)) {
    if (name.toLowerCase().startsWith('ingestd.'))
      complain(desk, draft, ['table_properties', name], {
        problem: 'properties that begin with ingestd. are its own',
        fix: 'choose another name',
        code: 'ING-CONFIG-VALUE',
      })
  }
}

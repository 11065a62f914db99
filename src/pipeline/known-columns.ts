import type { Format } from '../formats/format.ts'

/** A format that notes the columns of each file that it inspects, as the file has them: by them a rejected record is read again. */
export function withKnownColumns(format: Format, columns: Map<string, readonly string[]>): Format {
  return {
    ...format,
    inspect: async (files, context) => {
      const inspection = await format.inspect(files, context)
      for (const group of inspection.groups) {
        const names = group.columns.map(({ name }) => name)
        for (const { path } of group.files) columns.set(path, names)
      }
      return inspection
    },
  }
}

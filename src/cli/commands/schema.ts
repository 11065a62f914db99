import { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'

export function schemaCommand(frame: Frame): Command {
  return new Command('schema').description('the JSON Schema of the config, for editors').action(
    frame.handle(async (cli) => {
      const { configJsonSchema } = await import('../../config/json-schema.ts')
      await cli.output.document(configJsonSchema())
      return EXIT.ok
    }),
  )
}

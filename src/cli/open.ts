import type { CreateOptions, Ingest } from '../app/ingest.ts'
import type { Cli } from './frame.ts'

/** Opens what the config of the command line describes. The engine and the tracker are loaded only then: `--help` waits for neither. */
export async function openIngest(cli: Cli, more: Pick<CreateOptions, 'logTo'> = {}): Promise<Ingest> {
  const { createIngest } = await import('../app/create-ingest.ts')
  return createIngest({ ...createOptionsOf(cli), ...more })
}

function createOptionsOf({ options }: Cli): CreateOptions {
  const source = options.configJson === undefined ? { configFile: options.config } : { config: options.configJson }
  return { ...source, overrides: options.var ?? [], logLevel: options.logLevel }
}

import type { CreateOptions, Ingest } from '../app/ingest.ts'
import type { Cli } from './frame.ts'

/** Opens what the config of the command line describes. */
export async function openIngest({ options }: Cli, more: Pick<CreateOptions, 'logTo'> = {}): Promise<Ingest> {
  const source = options.configJson === undefined ? { configFile: options.config } : { config: options.configJson }
  return open({ ...source, overrides: options.var ?? [], logLevel: options.logLevel, ...more })
}

/** Opens a project of our own making, whatever the command line says of another config. */
export async function openProject(configFile: string, logLevel: string): Promise<Ingest> {
  return open({ configFile, logLevel })
}

/** The engine and the tracker are loaded only when something is opened: `--help` waits for neither. */
async function open(options: CreateOptions): Promise<Ingest> {
  const { createIngest } = await import('../app/create-ingest.ts')
  return createIngest(options)
}

import { ConfigError } from '../../errors/errors.ts'

export type Polars = typeof import('nodejs-polars')['default']
export type Frame = ReturnType<Polars['readAvro']>

/** The library, which is installed with ingestd where its platform has it, and loaded only where a table needs it. */
export async function loadPolars(what: string): Promise<Polars> {
  try {
    return (await import('nodejs-polars')).default
  } catch (cause) {
    const hint = 'install it beside ingestd: npm install nodejs-polars@0.24.1'
    throw new ConfigError('ING-POLARS-MISSING', `${what} needs nodejs-polars, which cannot be loaded here`, [], { cause, hint })
  }
}

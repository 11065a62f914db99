import { rmSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { type Finished, Project } from '../support/project.ts'

/** A place for tables that a server keeps. */
export interface RemotePlace {
  /** URL of a bucket or container. */
  readonly url: string
  /** `connections` of a config. */
  readonly connection: Readonly<Record<string, unknown>>
}

/** A project whose tables lie in the place, below a prefix of its own. */
export class RemoteProject extends Project {
  readonly url: string

  constructor(place: RemotePlace, config: Record<string, unknown>) {
    super({})
    const prefix = this.folder.slice(this.folder.lastIndexOf('/') + 1)
    this.url = `${place.url}/${prefix}/some tables`
    this.configure({ processed_data_path: this.url, connections: { store: place.connection }, ...config })
  }

  /** What has to be fetched anew: copies are no part of the state. */
  forget(): void {
    rmSync(this.path('state', 'cache'), { recursive: true, force: true })
  }

  async done(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    return done(this, args, env)
  }
}

export function remoteProject(place: RemotePlace, config: Record<string, unknown>): RemoteProject {
  const made = new RemoteProject(place, config)
  onTestFinished(() => made.remove())
  return made
}

/** Runs a command that must succeed. */
async function done(made: Project, args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  const result = await made.run(args, env)
  if (result.code !== 0) throw new Error(`ingest ${args.join(' ')} ended with ${result.code}: ${result.stdout} ${result.stderr}`)
  return result
}

/** The rows of a query, in its order. */
export async function rowsOf(made: Project, query: string): Promise<readonly unknown[]> {
  const { stdout } = await done(made, ['query', query, '--json'])
  return JSON.parse(stdout) as readonly unknown[]
}

import { once } from 'node:events'
import pc from 'picocolors'
import { jsonText } from './text/json.ts'

export type Colors = ReturnType<typeof pc.createColors>

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly json: boolean
  /** False with `--no-color`. */
  readonly color: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where a command prints: results on stdout, what is said about them on stderr. */
export class Output {
  readonly json: boolean
  /** Colours of stdout; each gives its text back unchanged where there is no terminal. */
  readonly colors: Colors
  readonly errorColors: Colors
  /** True when a person reads stdout. */
  readonly terminal: boolean
  readonly #erasable: boolean
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  #closed = false
  #started = false

  constructor(options: OutputOptions) {
    const { stdout, stderr, env } = options
    const wanted = options.color && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
    this.json = options.json
    this.terminal = stdout.isTTY === true
    this.#erasable = this.terminal && stderr.isTTY === true && env['TERM'] !== 'dumb'
    this.colors = pc.createColors(wanted && this.terminal)
    this.errorColors = pc.createColors(wanted && stderr.isTTY === true)
    this.#stdout = stdout
    this.#stderr = stderr
    stdout.on('error', this.#onError)
  }

  /** How wide the terminal on stdout is; undefined where there is none. */
  get columns(): number | undefined {
    return this.terminal ? this.#stdout.columns || undefined : undefined
  }

  /** The reader is gone (`ingest files | head`): nobody reads what is still to be printed. */
  get closed(): boolean {
    return this.#closed
  }

  /** Something was printed on stdout already. */
  get started(): boolean {
    return this.#started
  }

  /** Writes to stdout as fast as its reader takes it. */
  async write(text: string): Promise<void> {
    if (this.#closed) return
    this.#started = true
    if (this.#stdout.write(text)) return
    // A stream that fails ends the wait as well: the error is dealt with where it is heard.
    await once(this.#stdout, 'drain').catch(() => undefined)
  }

  async line(text = ''): Promise<void> {
    await this.write(`${text}\n`)
  }

  /** One JSON document. */
  async document(value: unknown): Promise<void> {
    await this.line(jsonText(value, 2))
  }

  /** An array whose items need not fit into memory. Nothing is printed before the first item is there, so that a failure can still be told. */
  async array(items: AsyncIterable<unknown>): Promise<void> {
    let printed = 0
    for await (const item of items) {
      if (this.#closed) return
      await this.write(`${printed === 0 ? '[\n' : ',\n'}  ${jsonText(item)}`)
      printed += 1
    }
    await this.write(printed === 0 ? '[]\n' : '\n]\n')
  }

  /** A line about the command, on stderr. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`)
  }

  /** What is being done, on a terminal, until the next such text; an empty one takes it away. */
  progress(text: string): void {
    // The cursor goes back to the first column, so that what comes between is written over it.
    if (this.#erasable) this.#stderr.write(`\r\u001b[2K${text.slice(0, (this.columns ?? 80) - 1)}\r`)
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error
    this.#closed = true
  }
}

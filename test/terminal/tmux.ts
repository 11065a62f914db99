import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAIN } from '../support/project.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** A real terminal: the command runs in tmux, keys go in, and what is on the screen comes out. */
export class Terminal implements Disposable {
  readonly #server = `ingest-${randomUUID()}`

  constructor(args: readonly string[], folder: string, { columns, rows }: Size, env: Readonly<Record<string, string>> = {}) {
    const set = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    const unset = ['CI', 'NO_COLOR', 'FORCE_COLOR', 'INGEST_CONFIG'].filter((name) => !(name in env)).join(' ')
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
    // What is printed at the end stays to be seen, with the exit code.
    // Ctrl-C is for the command alone.
    const shell = `trap : INT; unset ${unset}; cd '${folder}' && ${command}; echo "exit $?"; exec cat`
    this.#tmux(['-f', '/dev/null', 'new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, ...set, 'sh', '-c', shell])
  }

  /** One key after the other, as a person types. */
  press(...keys: readonly string[]): void {
    for (const key of keys) this.#tmux(['send-keys', key])
  }

  type(text: string): void {
    this.#tmux(['send-keys', '-l', text])
  }

  resize({ columns, rows }: Size): void {
    this.#tmux(['resize-window', '-x', `${columns}`, '-y', `${rows}`])
  }

  /** What is on the screen, without the spaces at the ends of lines; with the sequences for colours if wanted. */
  screen(colors = false): string {
    const text = this.#tmux(['capture-pane', '-p', ...(colors ? ['-e'] : [])])
    return text
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()
  }

  /** The screen, once it shows all of these. */
  async shows(...texts: readonly string[]): Promise<string> {
    const end = Date.now() + 20_000
    for (;;) {
      const screen = this.screen()
      const missing = texts.filter((text) => !screen.includes(text))
      if (missing.length === 0) return screen
      if (Date.now() > end) throw new Error(`the screen does not show ${JSON.stringify(missing)}:\n${screen}`)
      await sleep(50)
    }
  }

  [Symbol.dispose](): void {
    this.#tmux(['kill-server'])
  }

  #tmux(args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' })
  }
}

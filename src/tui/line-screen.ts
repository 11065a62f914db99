/** A buffer of its own, so that what stood on the terminal is there again at the end; and no cursor. */
const OTHER_BUFFER = '\u001b[?1049h\u001b[?25l'
const FIRST_BUFFER = '\u001b[?25h\u001b[?1049l'
const ERASE_ALL = '\u001b[2J'
const ERASE_REST = '\u001b[K'

/**
 * The whole terminal as a screen of lines. Ink erases all of what it drew before it draws the next frame, which flickers; here a frame that it
 * writes is compared with the one that is shown, and only lines that differ are written, each at its place.
 */
export class LineScreen implements Disposable {
  readonly #terminal: NodeJS.WriteStream
  #shown: readonly string[] = []

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal
    terminal.write(OTHER_BUFFER + ERASE_ALL)
    // Heard before Ink hears it and draws: what is there after a change of size is anybody's guess.
    terminal.on('resize', this.#clear)
  }

  /** Of lines that are shown already nothing is written. */
  draw(lines: readonly string[]): boolean {
    const changed = lines.flatMap((line, index) => (line === this.#shown[index] ? [] : [at(index) + line + ERASE_REST]))
    const gone = this.#shown.slice(lines.length).map((_, index) => at(lines.length + index) + ERASE_REST)
    this.#shown = lines
    return changed.length + gone.length === 0 || this.#terminal.write([...changed, ...gone].join(''))
  }

  /** What Ink takes for the terminal. */
  get stdout(): NodeJS.WriteStream {
    const draw = (frame: string, written?: () => void) => {
      // Ink ends with an empty text, and waits until that is written.
      if (frame === '') return this.#terminal.write('', written)
      return this.draw(frame.replace(/\n$/, '').split('\n'))
    }
    return new Proxy(this.#terminal, {
      get: (terminal, name) => {
        if (name === 'write') return draw
        const value: unknown = Reflect.get(terminal, name, terminal)
        return typeof value === 'function' ? value.bind(terminal) : value
      },
    })
  }

  [Symbol.dispose](): void {
    this.#terminal.off('resize', this.#clear)
    this.#terminal.write(FIRST_BUFFER)
  }

  readonly #clear = (): void => {
    this.#shown = []
    this.#terminal.write(ERASE_ALL)
  }
}

function at(line: number): string {
  return `\u001b[${line + 1};1H`
}

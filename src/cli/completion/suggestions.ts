import type { Command as Completed, RootCommand } from '@bomb.sh/tab'
import tab from '@bomb.sh/tab/commander'
import type { Command, Option } from 'commander'
import { loadConfig } from '../../config/read.ts'
import { printed } from './printed.ts'

/** The shell completes files by itself: it knows how their names are quoted. */
const FILES = ':0\n'

/** What may stand in the place of the last word, a line each, and how the shell takes it. */
export async function suggestions(given: readonly string[], program: Command): Promise<string> {
  // bash takes `--tables=a` for three words.
  const words =
    given.length === 0
      ? ['']
      : given.filter((word, index) => word !== '=' || index === given.length - 1).map((word) => (word === '=' ? '' : word))
  const wanted = wantedAt(words, program)
  if (wanted === 'file') return FILES
  const root = tab(program, { completionCommandName: 'completion' })
  withGlobalOptions(root)
  if (wanted === 'table') offer(root, tableNames(await namesOfTables(words), words.at(-1) ?? ''))
  return printed(() => root.parse([...words]))
}

/** What the place of the last word is for, by the name of its option's value or of its argument. */
function wantedAt(words: readonly string[], program: Command): 'file' | 'table' | 'other' {
  let command = program
  let position = 0
  const before = words.slice(0, -1)
  const options = () => [...command.options, ...program.options]
  const valued = (word: string | undefined) =>
    options().find((option) => [option.long, option.short].includes(word ?? '') && takesValue(option))
  for (const [index, word] of before.entries()) {
    if (word.startsWith('-') || valued(before[index - 1]) !== undefined) continue
    const inner = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (inner === undefined) position += 1
    else command = inner
  }
  const option = valued(before.at(-1))
  if (option !== undefined) return kindOf(option.long === '--tables' ? 'tables' : option.flags)
  const argument = command.registeredArguments[position] ?? command.registeredArguments.findLast(({ variadic }) => variadic)
  return words.at(-1)?.startsWith('-') === true || argument === undefined ? 'other' : kindOf(argument.name())
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function kindOf(name: string): 'file' | 'table' | 'other' {
  if (/\b(file|files|dir|path)\b/.test(name)) return 'file'
  return /\b(table|tables)\b/.test(name) ? 'table' : 'other'
}

/** Options of the program stand behind every command as well. */
function withGlobalOptions({ options, commands }: RootCommand): void {
  for (const command of commands.values())
    for (const [name, option] of options) if (!command.options.has(name)) command.options.set(name, option)
}

function offer(root: RootCommand, names: readonly string[]): void {
  const handler = (add: (value: string, description: string) => void) => {
    for (const name of names) add(name, '')
  }
  for (const command of root.commands.values()) offerIn(command, handler)
}

function offerIn(command: Completed, handler: (add: (value: string, description: string) => void) => void): void {
  const option = command.options.get('tables')
  if (option !== undefined) option.handler = handler
  for (const name of ['table', 'tables']) {
    const argument = command.arguments.get(name)
    if (argument !== undefined) argument.handler = handler
  }
}

/** Names behind those that stand there already, as in `--tables a,b`. Bare names are offered to who begins with one. */
function tableNames(names: readonly string[], word: string): readonly string[] {
  const [, done = '', begun = ''] = /^(.*,)?(.*)$/s.exec(word) ?? []
  const bare = names.map((name) => name.slice(name.indexOf('.') + 1))
  return [...names, ...(begun === '' ? [] : bare)].map((name) => done + name)
}

/** Of the config that the words name, or else the usual one; none where it cannot be read. */
async function namesOfTables(words: readonly string[]): Promise<readonly string[]> {
  const behind = (...names: readonly string[]) => words[words.findIndex((word) => names.includes(word)) + 1]
  const file = words.includes('-c') || words.includes('--config') ? behind('-c', '--config') : undefined
  const text = words.includes('--config-json') ? behind('--config-json') : undefined
  try {
    const config = await loadConfig(text === undefined ? { file } : { text }, { overrides: [], env: process.env, cwd: process.cwd() })
    return config.tables.map(({ name }) => name)
  } catch {
    // Whoever types is told by the command itself what is wrong with the config.
    return []
  }
}

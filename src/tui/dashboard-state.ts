import type { ExplainReport } from '../model/report.ts'
import type { StatusFile, StatusReport, TableDetail } from '../model/status-report.ts'

export type ViewKind = 'tables' | 'table' | 'files' | 'file' | 'errors' | 'error'

/** What is looked at; a selection is an index into the rows of its view. */
export interface View {
  readonly kind: ViewKind
  /** The table, path, cause or text that it is about. */
  readonly subject: string
  readonly selected: number
}

export type ActionKind = 'retry' | 'skip' | 'approve' | 'pause' | 'resume' | 'optimize'

/** What is done once it is confirmed: to a file, or to whole tables. */
export interface Action {
  readonly kind: ActionKind
  readonly tables: readonly string[]
  readonly path: string | null
}

export interface DashboardData {
  readonly status: StatusReport | null
  readonly detail: TableDetail | null
  readonly explained: readonly ExplainReport[]
  readonly found: readonly StatusFile[] | null
}

export interface DashboardState {
  /** The last is the one on the screen. */
  readonly views: readonly [View, ...View[]]
  readonly data: DashboardData
  /** The text of a search that is being typed. */
  readonly typing: string | null
  readonly asking: Action | null
  readonly help: boolean
  /** How the last action ended, or what is being done. */
  readonly message: string
  readonly quit: boolean
}

const FIRST: View = { kind: 'tables', subject: '', selected: 0 }

export const NEW_DASHBOARD: DashboardState = {
  views: [FIRST],
  data: { status: null, detail: null, explained: [], found: null },
  typing: null,
  asking: null,
  help: false,
  message: '',
  quit: false,
}

/** A key as terminals give it: its name, or the text that was typed. */
export type Key = 'up' | 'down' | 'pageUp' | 'pageDown' | 'enter' | 'escape' | 'backspace' | { readonly text: string }

/** The state after a key, and what the key asks to be done. */
export interface Step {
  readonly state: DashboardState
  readonly act?: Action
}

export function viewOf(state: DashboardState): View {
  return state.views.at(-1) ?? FIRST
}

export function afterKey(state: DashboardState, key: Key): Step {
  if (state.asking !== null) return answered(state, state.asking, key)
  if (state.typing !== null) return { state: typed(state, state.typing, key) }
  if (state.help) return { state: { ...state, help: false } }
  if (typeof key === 'object') return { state: afterLetter({ ...state, message: '' }, key.text) }
  return { state: afterMove({ ...state, message: '' }, key) }
}

function answered(state: DashboardState, act: Action, key: Key): Step {
  const text = typeof key === 'object' ? key.text.toLowerCase() : ''
  if (text === 'y') return { state: { ...state, asking: null, message: 'working …' }, act }
  if (text === 'n' || text === 'q' || key === 'escape' || key === 'enter')
    return { state: { ...state, asking: null, message: 'nothing was changed' } }
  return { state }
}

function typed(state: DashboardState, text: string, key: Key): DashboardState {
  if (typeof key === 'object') return { ...state, typing: text + key.text }
  if (key === 'backspace') return { ...state, typing: text.slice(0, -1) }
  if (key === 'escape') return { ...state, typing: null }
  if (key !== 'enter') return state
  const data = { ...state.data, found: null }
  return opened({ ...state, typing: null, data }, { kind: 'files', subject: text.trim(), selected: 0 })
}

function afterMove(state: DashboardState, key: Exclude<Key, object>): DashboardState {
  const view = viewOf(state)
  const by = { up: -1, down: 1, pageUp: -10, pageDown: 10, enter: 0, escape: 0, backspace: 0 }[key]
  if (by !== 0) {
    const last = Math.max(0, rowsIn(state) - 1)
    return withView(state, { ...view, selected: Math.min(last, Math.max(0, view.selected + by)) })
  }
  if (key === 'enter') return entered(state, view)
  const [first, ...rest] = state.views.slice(0, -1)
  return first === undefined ? state : { ...state, views: [first, ...rest] }
}

const LETTERS: Readonly<Record<string, ActionKind>> = {
  r: 'retry',
  s: 'skip',
  a: 'approve',
  p: 'pause',
  u: 'resume',
  o: 'optimize',
}

function afterLetter(state: DashboardState, text: string): DashboardState {
  switch (text) {
    case 'q':
      return { ...state, quit: true }
    case '?':
      return { ...state, help: true }
    case '/':
      return { ...state, typing: '' }
    case 'j':
      return afterMove(state, 'down')
    case 'k':
      return afterMove(state, 'up')
    case 't':
      return { ...state, views: [FIRST] }
    case 'f':
      return opened(state, { kind: 'files', subject: '', selected: 0 })
    case 'e':
      return opened(state, { kind: 'errors', subject: '', selected: 0 })
    default: {
      const kind = LETTERS[text]
      return kind === undefined ? state : asked(state, kind)
    }
  }
}

function asked(state: DashboardState, kind: ActionKind): DashboardState {
  const action = targetOf(state, kind)
  if (action === undefined) return { ...state, message: `nothing to ${kind} is selected` }
  return { ...state, asking: action }
}

/** Files are retried, skipped and approved by themselves where they are listed; all else concerns tables. */
function targetOf(state: DashboardState, kind: ActionKind): Action | undefined {
  const view = viewOf(state)
  const file = fileOf(state, view)
  if (file !== undefined) {
    const ofFile = kind === 'retry' || kind === 'skip' || kind === 'approve'
    return { kind, tables: [file.table], path: ofFile ? file.file : null }
  }
  const tables = tablesOf(state, view)
  return tables.length === 0 ? undefined : { kind, tables, path: null }
}

function fileOf(state: DashboardState, view: View): { readonly file: string; readonly table: string } | undefined {
  if (view.kind === 'files') return filesIn(state, view)[view.selected]
  const explained = view.kind === 'file' ? state.data.explained.find((report) => report.table !== null) : undefined
  return explained?.table === undefined || explained.table === null ? undefined : { file: explained.file, table: explained.table }
}

function tablesOf({ data: { status } }: DashboardState, view: View): readonly string[] {
  switch (view.kind) {
    case 'tables':
      return status?.tables.slice(view.selected, view.selected + 1).map(({ table }) => table) ?? []
    case 'table':
      return [view.subject]
    case 'errors':
      return status?.causes[view.selected]?.tables ?? []
    case 'error':
      return status?.causes.find((cause) => causeKey(cause) === view.subject)?.tables ?? []
    default:
      return []
  }
}

function entered(state: DashboardState, view: View): DashboardState {
  const { status, detail } = state.data
  switch (view.kind) {
    case 'tables': {
      const table = status?.tables[view.selected]?.table
      return table === undefined
        ? state
        : opened({ ...state, data: { ...state.data, detail: null } }, { kind: 'table', subject: table, selected: 0 })
    }
    case 'errors': {
      const cause = status?.causes[view.selected]
      return cause === undefined ? state : opened(state, { kind: 'error', subject: causeKey(cause), selected: 0 })
    }
    case 'table':
      return openedFile(state, detail?.recent[view.selected]?.file)
    case 'files':
      return openedFile(state, filesIn(state, view)[view.selected]?.file)
    case 'error':
      return openedFile(state, status?.causes.find((cause) => causeKey(cause) === view.subject)?.example.file)
    case 'file':
      return state
  }
}

function openedFile(state: DashboardState, path: string | undefined): DashboardState {
  if (path === undefined) return state
  return opened({ ...state, data: { ...state.data, explained: [] } }, { kind: 'file', subject: path, selected: 0 })
}

/** Opened from itself a view takes its own place. */
function opened(state: DashboardState, view: View): DashboardState {
  const before = viewOf(state).kind === view.kind ? state.views.slice(0, -1) : state.views
  const [first = FIRST, ...rest] = [...before, view]
  return { ...state, views: [first, ...rest] }
}

function withView(state: DashboardState, view: View): DashboardState {
  const [first = FIRST, ...rest] = [...state.views.slice(0, -1), view]
  return { ...state, views: [first, ...rest] }
}

/** The state with other data; a selection never stands behind the rows that are there. */
export function withData(state: DashboardState, data: Partial<DashboardData>): DashboardState {
  const next = { ...state, data: { ...state.data, ...data } }
  const view = viewOf(next)
  const last = Math.max(0, rowsIn(next) - 1)
  return view.kind === 'file' || view.selected <= last ? next : withView(next, { ...view, selected: last })
}

/** What is found by a search, or else what was settled last. */
export function filesIn({ data }: DashboardState, view: View): readonly StatusFile[] {
  return (view.subject === '' ? data.status?.recent : data.found) ?? []
}

export function causeKey({ code, message }: { readonly code: string | null; readonly message: string }): string {
  return `${code ?? ''} ${message}`
}

function rowsIn(state: DashboardState): number {
  const { status, detail, explained } = state.data
  const view = viewOf(state)
  switch (view.kind) {
    case 'tables':
      return status?.tables.length ?? 0
    case 'table':
      return detail?.recent.length ?? 0
    case 'files':
      return filesIn(state, view).length
    case 'errors':
      return status?.causes.length ?? 0
    case 'error':
      return 1
    case 'file':
      return explained.reduce((lines, report) => lines + report.steps.length + report.history.length + 4, 0)
  }
}

/** The question before an action, in words that say how far it reaches. */
export function actionText({ kind, tables, path }: Action): string {
  const where = tables.join(', ')
  if (path !== null) return `${kind} ${path} of ${where}?`
  switch (kind) {
    case 'retry':
      return `retry all failed files of ${where}?`
    case 'skip':
      return `skip all pending and failed files of ${where}?`
    case 'approve':
      return `approve all held files of ${where}?`
    default:
      return `${kind} ${where}?`
  }
}

import { ago, bytes, duration, element, grid, link, mark, number, tone } from './draw.js'
import {
  activityTable,
  causesTable,
  cleanUps,
  expectationsTable,
  facts,
  filesTable,
  nextOf,
  section,
  tablesTable,
  totals,
} from './tables.js'

// The whole page. Text reaches it through textContent alone, so no name of a file is ever markup (the policy of the page forbids it, too).

const REFRESH_MS = 3000
const TOKEN = 'ingestd-token'

const page = document.getElementById('page')
let timer
let view = 0

addEventListener('hashchange', show)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) show()
})
show()

/** Draws what the address asks for, and again after a while. */
async function show() {
  clearTimeout(timer)
  view += 1
  const current = view
  let drawn
  try {
    drawn = await viewOf(location.hash)
  } catch (error) {
    drawn = error.status === 401 ? askForToken() : undefined
    if (drawn === undefined) fault(error.message)
  }
  // Another view was asked for meanwhile.
  if (current !== view) return
  if (drawn !== undefined) replace(drawn)
  if (!document.hidden && !page.querySelector('form.token')) timer = setTimeout(show, REFRESH_MS)
}

async function viewOf(hash) {
  const [kind = '', rest = ''] = /^#\/([a-z]*)\/?(.*)$/s.exec(hash)?.slice(1) ?? []
  const name = decoded(rest)
  if (kind === 'table') return tableView(await ask('table', { table: name }))
  if (kind === 'file') return fileView(name, await ask('explain', { file: name }))
  if (kind === 'files') return filesView(name, await ask('search', { text: name, limit: 200 }))
  return overview(await ask('status', {}))
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function ask(name, query) {
  const token = sessionStorage.getItem(TOKEN)
  const answer = await fetch(`/api/${name}?${new URLSearchParams(query)}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  }).catch(() => {
    throw new Error('the daemon does not answer')
  })
  const body = await answer.json().catch(() => ({}))
  if (answer.ok) return body
  throw Object.assign(new Error(body.error?.message ?? `HTTP ${answer.status}`), { status: answer.status })
}

/** The old content stays below what went wrong: it is what was true last. */
function fault(message) {
  page.querySelector('.banner')?.remove()
  page.prepend(element('p', { class: 'banner', role: 'alert' }, `${message}; it is asked again`))
}

/** What is being typed, and where the reader is, outlive a refresh. */
function replace(children) {
  const { scrollX, scrollY } = window
  const field = page.querySelector('input[name=search]')
  const typed = field === null ? null : { value: field.value, start: field.selectionStart, focused: document.activeElement === field }
  page.replaceChildren(...children)
  const next = page.querySelector('input[name=search]')
  if (typed?.focused && next !== null) {
    next.value = typed.value
    next.focus()
    next.setSelectionRange(typed.start, typed.start)
  }
  scrollTo(scrollX, scrollY)
}

function askForToken() {
  const input = element('input', { type: 'password', name: 'token', autocomplete: 'current-password', 'aria-label': 'Token' })
  const form = element(
    'form',
    { class: 'token' },
    element('p', {}, 'This daemon asks for its token (http.token).'),
    input,
    ' ',
    element('button', {}, 'Go on'),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    sessionStorage.setItem(TOKEN, input.value.trim())
    show()
  })
  return [element('h1', {}, 'ingestd'), form]
}

// Views

function overview({ at, tables, activity, daemons, recent, causes }) {
  return [
    heading(at, daemons),
    section('Tables', tablesTable(tables, at)),
    ...(activity.length === 0 ? [] : [section('At work', activityTable(activity, at))]),
    ...(causes.length === 0 ? [] : [section('Errors', causesTable(causes, at))]),
    section('Recent files', filesTable(recent, at)),
    element('p', { class: 'dim' }, totals(tables)),
  ]
}

function tableView({ state, activity, batches, recent, causes }) {
  const { files } = state
  const at = new Date().toISOString()
  return [
    heading(at, undefined),
    element('h2', {}, state.table, state.paused ? mark('warn', ' paused') : ''),
    facts([
      ['strategy', state.strategy],
      ['target', state.target],
      [
        'files',
        Object.entries(files)
          .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
          .join(', '),
      ],
      ['rows', state.rows.toLocaleString('en')],
      ['rejected rows', state.rows_rejected.toLocaleString('en')],
      ['bytes', bytes(state.bytes)],
      ['last load', ago(state.last_loaded_at, at)],
      ['last listing', ago(state.last_listed_at, at)],
      ['next', ago(nextOf(state), at)],
      ['listing', state.listing_error ?? 'well'],
      ...cleanUps(state.clean_ups),
      ['last error', (files.failed > 0 && state.last_error) || 'none'],
    ]),
    ...(activity.length === 0 ? [] : [section('At work', activityTable(activity, at))]),
    ...(causes.length === 0 ? [] : [section('Errors', causesTable(causes, at))]),
    section(
      'Batches',
      grid(
        ['batch', 'result', 'version', 'files', 'rows', 'began', 'took'],
        batches.map((batch) => [
          number(batch.batch),
          batch.status,
          number(batch.version),
          number(batch.files),
          number(batch.rows),
          ago(batch.started_at, at),
          batch.ended_at === null ? '' : duration((Date.parse(batch.ended_at) - Date.parse(batch.started_at)) / 1000),
        ]),
      ),
    ),
    section('Recent files', filesTable(recent, at)),
  ]
}

function fileView(file, reports) {
  return [
    heading(undefined, undefined),
    element('h2', {}, file),
    ...reports.flatMap((report) => [
      element(
        'p',
        {},
        report.table === null ? 'no table' : link('table', report.table),
        ': ',
        mark(tone(report.verdict), report.verdict.replace('_', ' ')),
        report.status === null ? '' : ` (${report.status})`,
      ),
      grid(
        ['check', 'passed', 'detail'],
        report.steps.map((step) => [
          step.check,
          mark(step.passed ? 'good' : 'bad', step.passed ? 'yes' : 'no'),
          element('span', { class: 'message' }, step.detail),
        ]),
      ),
      section(
        'History',
        grid(
          ['at', 'from', 'to', 'batch', 'reason'],
          report.history.map((event) => [
            event.at,
            event.from ?? '',
            mark(tone(event.to), event.to),
            event.batch_id ?? '',
            event.reason ?? '',
          ]),
        ),
      ),
      ...(report.expectations === undefined ? [] : [section('Expectations', expectationsTable(report.expectations))]),
    ]),
  ]
}

function filesView(text, files) {
  return [
    heading(undefined, undefined),
    element('h2', {}, `Files with “${text}”`),
    files.length === 0
      ? element('p', { class: 'dim' }, 'No file that the tracker knows has this in its path.')
      : filesTable(files, undefined),
  ]
}

// Their parts

function heading(at, daemons) {
  const form = element(
    'form',
    { role: 'search' },
    element('input', { type: 'search', name: 'search', placeholder: 'search files', 'aria-label': 'Search files' }),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const text = new FormData(form).get('search').trim()
    location.hash = text === '' ? '#/' : `#/files/${encodeURIComponent(text)}`
  })
  const daemon = daemons?.find(({ state }) => state === 'running') ?? daemons?.[0]
  const about =
    daemon === undefined
      ? ''
      : `${daemon.version} on ${daemon.host}, ${daemon.state} for ${duration((Date.parse(at) - Date.parse(daemon.started_at)) / 1000)}`
  return element(
    'header',
    {},
    element('nav', {}, element('h1', {}, element('a', { href: '#/' }, 'ingestd')), element('span', { class: 'dim' }, about)),
    form,
  )
}

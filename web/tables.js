import { ago, bytes, count, drawn, duration, element, grid, link, mark, number, numeric, tone } from './draw.js'

// What the views are made of, each as a table.

const MINUTES = 60

export function totals(tables) {
  const sum = (of) => tables.reduce((all, table) => all + of(table), 0)
  const [files, rows] = [sum((table) => table.files.completed), sum((table) => table.rows)].map((value) => value.toLocaleString('en'))
  return `${tables.length} tables, ${files} files loaded, ${rows} rows, ${bytes(sum((table) => table.bytes))}`
}

export function tablesTable(tables, at) {
  return grid(
    ['table', 'pending', 'at work', 'loaded', 'failed', 'skipped', 'rows', 'last hour', 'lag', 'last load', 'next', 'last error'],
    tables.map((table) => [
      element('span', {}, link('table', table.table), table.paused ? mark('warn', ' paused') : ''),
      pending(table.files),
      number(table.files.processing),
      number(table.files.completed),
      count(table.files.failed, 'bad'),
      number(table.files.skipped),
      number(table.rows),
      spark(table.throughput, at),
      numeric(table.lag_seconds === null ? '' : duration(table.lag_seconds)),
      ago(table.last_loaded_at, at),
      ago(nextOf(table), at),
      element('span', { class: 'message bad' }, table.listing_error ?? ((table.files.failed > 0 && table.last_error) || '')),
    ]),
  )
}

/** The next look at the folder, or else the next retry. */
export function nextOf({ next_run_at: run, next_attempt_at: retry }) {
  return run === null || (retry !== null && retry < run) ? retry : run
}

function pending({ pending: waiting, held }) {
  const text = waiting.toLocaleString('en')
  return numeric(held === 0 ? text : `${text} (${held.toLocaleString('en')} held)`)
}

export function activityTable(activity, at) {
  return grid(
    ['table', 'does', 'progress', 'files', 'rows', 'bytes', 'time left'],
    activity.map((one) => [
      link('table', one.table_name),
      one.stage,
      one.fraction === null
        ? element('progress', { max: 1, 'aria-label': one.table_name })
        : element('progress', { max: 1, value: one.fraction, 'aria-label': one.table_name }),
      numeric(`${one.files_done.toLocaleString('en')} of ${one.files.toLocaleString('en')}`),
      number(one.rows),
      numeric(bytes(one.bytes_done)),
      timeLeft(one, at),
    ]),
  )
}

/** By the speed so far. */
function timeLeft({ fraction, started_at: started }, at) {
  if (fraction === null || fraction < 0.02) return ''
  return duration(((Date.parse(at) - Date.parse(started)) / 1000) * ((1 - fraction) / fraction))
}

export function causesTable(causes, at) {
  return grid(
    ['code', 'files', 'last', 'tables', 'for example', 'message', 'what to do'],
    causes.map(({ code, meaning, remedy, files, tables, example, last_at: last }) => [
      element('span', { class: 'bad', title: meaning ?? '' }, code ?? ''),
      number(files),
      ago(last, at),
      tables.join(', '),
      link('file', example.file),
      element('span', { class: 'message' }, example.message),
      element('span', { class: 'message' }, remedy ?? ''),
    ]),
  )
}

export function filesTable(files, at) {
  if (files.length === 0) return element('p', { class: 'dim' }, 'None yet.')
  return grid(
    ['file', 'table', 'status', 'rows', 'size', 'when', 'reason'],
    files.map((file) => [
      link('file', file.file),
      link('table', file.table),
      mark(tone(file.status), file.status),
      number(file.rows),
      numeric(bytes(file.bytes)),
      ago(file.at, at),
      file.why ?? '',
    ]),
  )
}

/** Rows of each of the last sixty minutes. */
function spark(throughput, at) {
  const svg = drawn('svg', { class: 'spark', viewBox: `0 0 ${MINUTES * 2} 20`, role: 'img', preserveAspectRatio: 'none' })
  const now = Math.floor(Date.parse(at) / 60_000)
  const most = Math.max(1, ...throughput.map(({ rows }) => rows))
  svg.append(
    Object.assign(drawn('title', {}), { textContent: `${throughput.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} rows` }),
  )
  for (const { minute, rows } of throughput) {
    const x = MINUTES - 1 - (now - Math.floor(Date.parse(minute) / 60_000))
    const height = rows === 0 ? 0 : Math.max(1, (rows / most) * 20)
    svg.append(drawn('rect', { x: x * 2, y: 20 - height, width: 1.6, height }))
  }
  return svg
}

export function section(title, content) {
  return element('section', {}, element('h2', {}, title), content)
}

export function facts(pairs) {
  return grid(
    ['', ''],
    pairs.filter(([, value]) => value !== '').map(([name, value]) => [mark('dim', name), value]),
  )
}

export function expectationsTable(broken) {
  return grid(
    ['at', 'broke', 'action', 'rows', 'batch'],
    broken.map((one) => [one.at, one.name, one.on_violation, number(one.violated), one.batch_id]),
  )
}

export function cleanUps({ due, failed, last_error: reason }) {
  if (due + failed === 0) return []
  return [['clean-ups', `${due.toLocaleString('en')} due, ${failed.toLocaleString('en')} failed${reason === null ? '' : ` (${reason})`}`]]
}

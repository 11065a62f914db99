// Elements and texts of the page. Text goes in as text alone.

export function grid(names, rows) {
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...names.map((name) => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((cell, index) => cellOf(cell, names[index]))))),
  )
}

function cellOf(content, label) {
  const isNumber = content instanceof Element && content.classList.contains('numeric')
  const text = content instanceof Element ? content.textContent : content
  const isEmpty = text === '' && !(content instanceof Element && /^(svg|progress)$/i.test(content.tagName))
  return element('td', { class: [isNumber ? 'number' : '', isEmpty ? 'empty' : ''].join(' ').trim(), 'data-label': label }, content)
}

export function count(value, kind) {
  return value === 0 ? number(value) : element('span', { class: `numeric ${kind}` }, value.toLocaleString('en'))
}

export function number(value) {
  return numeric(value === null ? '' : value.toLocaleString('en'))
}

export function numeric(text) {
  return element('span', { class: 'numeric' }, text)
}

export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let power = 0
  let left = value
  while (left >= 1000 && power < units.length - 1) {
    left /= 1000
    power += 1
  }
  return `${power === 0 ? left : left.toFixed(1)} ${units[power]}`
}

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function ago(iso, at) {
  if (iso === null || iso === undefined) return ''
  const seconds = (Date.parse(at ?? new Date().toISOString()) - Date.parse(iso)) / 1000
  return seconds < 0 ? `in ${duration(-seconds)}` : `${duration(seconds)} ago`
}

export function element(name, attributes, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) if (value !== '') made.setAttribute(key, value)
  made.append(...children)
  return made
}

export function drawn(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

export function link(kind, name) {
  return element('a', { href: `#/${kind}/${encodeURIComponent(name)}` }, name)
}

export function mark(kind, text) {
  return element('span', { class: kind }, text)
}

export function tone(status) {
  if (status === 'completed' || status === 'loaded') return 'good'
  return status === 'failed' || status === 'not_loaded' ? 'bad' : 'dim'
}

/** `1,234,567`. By hand: a formatter of the platform takes each start of a command eleven milliseconds. */
export function count(value: number): string {
  return value.toFixed(0).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `1 file`, `3 files` */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `0 B`, `999 B`, `1.2 MB`: powers of 1000, as storage is sold. */
export function bytes(value: number): string {
  let amount = value
  let unit = 0
  // 999.95 would be shown as 1000.0.
  while (amount >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    amount /= 1000
    unit += 1
  }
  return `${unit === 0 ? count(amount) : amount.toFixed(1)} ${UNITS[unit] ?? ''}`
}

/** `0.3s`, `2m 05s`, `1h 02m` */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`
  return `${count(Math.floor(whole / 3600))}h ${two(Math.floor((whole % 3600) / 60))}m`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Something per second; null where there is nothing, or no time, to tell it by. */
export function perSecond(amount: number, seconds: number): number | null {
  return amount > 0 && seconds > 0 ? amount / seconds : null
}

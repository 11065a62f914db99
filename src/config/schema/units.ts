const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  ms: 1n,
  s: 1000n,
  sec: 1000n,
  second: 1000n,
  m: 60_000n,
  min: 60_000n,
  minute: 60_000n,
  h: 3_600_000n,
  hr: 3_600_000n,
  hour: 3_600_000n,
  d: 86_400_000n,
  day: 86_400_000n,
  w: 604_800_000n,
  week: 604_800_000n,
}

const SIZE_UNITS: Readonly<Record<string, bigint>> = {
  b: 1n,
  kb: 10n ** 3n,
  mb: 10n ** 6n,
  gb: 10n ** 9n,
  tb: 10n ** 12n,
  kib: 2n ** 10n,
  mib: 2n ** 20n,
  gib: 2n ** 30n,
  tib: 2n ** 40n,
}

const QUANTITY = /^\s*(\d{1,15})(?:\.(\d{1,9}))?\s*([a-z]+)\s*$/i
const SHARE = /^\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*$/

/** Milliseconds of `90 days`, `30s`, `1.5 h`; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const ms = quantity(text, (unit) => DURATION_UNITS[unit] ?? (unit.endsWith('s') ? DURATION_UNITS[unit.slice(0, -1)] : undefined))
  return ms === undefined || ms > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(ms)
}

/** Bytes of `128MB` (10^6), `4GiB` (2^30), `1.5 GB`; undefined where the text is no size. */
export function parseSize(text: string): bigint | undefined {
  return quantity(text, (unit) => SIZE_UNITS[unit])
}

/** 0 to 1 of `60%`; undefined where the text is no percentage up to 100. */
export function parseShare(text: string): number | undefined {
  const digits = SHARE.exec(text)?.[1]
  if (digits === undefined) return undefined
  const percent = Number(digits)
  return percent <= 100 ? percent / 100 : undefined
}

// In integers throughout: 0.1 of a unit is exact, and a rest below the smallest unit is refused rather than rounded.
function quantity(text: string, unitOf: (unit: string) => bigint | undefined): bigint | undefined {
  const match = QUANTITY.exec(text)
  const [whole, fraction = '', name] = [match?.[1], match?.[2], match?.[3]]
  if (whole === undefined || name === undefined) return undefined
  const unit = unitOf(name.toLowerCase())
  if (unit === undefined) return undefined
  const scaled = BigInt(whole + fraction) * unit
  const scale = 10n ** BigInt(fraction.length)
  return scaled % scale === 0n ? scaled / scale : undefined
}

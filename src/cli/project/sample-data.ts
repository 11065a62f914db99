/** Made-up rows, the same at every call: what a newcomer sees in the documentation is what he gets. */
const COUNTRIES = ['DE', 'FR', 'US', 'JP', 'BR', 'IN']
const NAMES = [
  'Ada Lovelace',
  'Grace Hopper',
  'Alan Turing',
  'Katherine Johnson',
  'Edsger Dijkstra',
  'Barbara Liskov',
  'Donald Knuth',
  'Radia Perlman',
]
const PRODUCTS = ['keyboard', 'monitor', 'laptop', 'headset', 'webcam']

export interface Customer {
  readonly customer_id: number
  readonly name: string
  readonly email: string
  readonly country: string
  readonly signed_up: string
  readonly loyalty_points: number
}

export function customers(from: number, to: number): readonly Customer[] {
  return range(from, to).map((number) => {
    const name = pick(NAMES, number)
    return {
      customer_id: number,
      name,
      email: `${name.toLowerCase().replaceAll(' ', '.')}.${number}@example.com`,
      country: pick(COUNTRIES, number * 5),
      signed_up: day(number),
      loyalty_points: (number * 37) % 500,
    }
  })
}

/** CSV with the columns in the given order. */
export function csvOf<Row extends object>(rows: readonly Row[], columns: readonly (keyof Row & string)[]): string {
  return [columns.join(','), ...rows.map((row) => columns.map((column) => String(row[column])).join(','))]
    .map((line) => `${line}\n`)
    .join('')
}

/** Orders as CSV; `broken` puts a word where the amount of that line (the header is line 1) belongs. */
export function ordersCsv(from: number, to: number, broken?: number): string {
  const lines = range(from, to).map((number, index) => {
    const amount = index + 2 === broken ? 'twelve' : `${(number * 7) % 300}.${String((number * 13) % 100).padStart(2, '0')}`
    return `${number},${1 + ((number * 11) % 60)},${pick(PRODUCTS, number)},${amount},${day(number)}`
  })
  return ['order_id,customer_id,product,amount,ordered_on', ...lines].map((line) => `${line}\n`).join('')
}

/** Events as NDJSON, with nested fields and a list. */
export function eventsNdjson(from: number, to: number): string {
  return range(from, to)
    .map((number) => {
      const event = {
        event_id: `e-${String(number).padStart(5, '0')}`,
        at: `${day(number)}T${String(number % 24).padStart(2, '0')}:15:00Z`,
        customer: { customer_id: 1 + ((number * 17) % 60), country: pick(COUNTRIES, number) },
        action: pick(['view', 'add_to_cart', 'purchase'], number),
        products: range(1, 1 + (number % 3)).map((item) => pick(PRODUCTS, number + item)),
      }
      return `${JSON.stringify(event)}\n`
    })
    .join('')
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
}

function pick(values: readonly string[], number: number): string {
  return values[number % values.length] ?? ''
}

function day(number: number): string {
  return new Date(Date.UTC(2024, 0, 1 + (number % 180))).toISOString().slice(0, 10)
}

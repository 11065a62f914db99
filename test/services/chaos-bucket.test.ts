import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { chaos } from '../chaos/chaos.support.ts'
import { random } from '../chaos/source.ts'
import { openPlace, through } from '../support/places.ts'
import { type Fault, startFaultProxy } from './fault-proxy.ts'

const SECONDS = Number(process.env['INGEST_TEST_CHAOS_SECONDS'] ?? '8')
const SEED = Number(process.env['INGEST_TEST_SEED'] ?? '7')
/** One request of so many fares ill while the network is bad. */
const ILL = 12
const BAD_MS = 2000

const FAULTS: readonly Fault[] = [
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'delay', ms: 300 },
  { kind: 'duplicate', answer: 2 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 500 },
  { kind: 'cut', bytes: 30 },
]

test(
  `files stream into a bucket for ${SECONDS} s, processes are killed, the network is bad and the tracker's server restarts: every row is there once (seed ${SEED})`,
  async () => {
    const place = await openPlace('s3+postgres')
    const { source, tracker } = place
    if (source === null || tracker === null) throw new Error('it is no bucket with a server')
    await using proxy = await startFaultProxy(source.endpoint)
    const numbers = random(SEED + 2)
    const isIll = () => numbers.next().value < 1 / (ILL * FAULTS.length)
    const badNetwork = async () => {
      proxy.setRules(FAULTS.map((fault) => ({ when: isIll, fault })))
      await sleep(BAD_MS)
      proxy.setRules([])
    }
    await chaos({
      seconds: SECONDS,
      seed: SEED,
      place: through(place, proxy.endpoint),
      strikes: [
        ['network bad for a while', badNetwork],
        ['tracker restarted', () => tracker.restart('fast')],
        ['tracker crashed', () => tracker.restart('immediate')],
      ],
    })
    process.stdout.write(`${proxy.seen.length} requests, ${proxy.taken.length} fared ill\n`)
  },
  (SECONDS + 600) * 1000,
)

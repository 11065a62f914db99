/**
 * The first frame of the dashboard against its goal: 400 ms from the start of the command until tables stand on the terminal, with a million
 * tracked files. `npm run bench:dashboard [files] [rounds]`. The terminal is one that `script` (util-linux) makes.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const [files = 1_000_000, rounds = 9] = process.argv.slice(2).map(Number)
const main = join(import.meta.dirname, '../dist/main.js')
const folder = mkdtempSync(join(tmpdir(), 'ingestd-bench-dashboard-'))
const config = join(folder, 'ingest.yaml')

try {
  track()
  const took = []
  // The first one finds neither the code nor the tracker in the page cache.
  for (let round = 0; round <= rounds; round += 1) took.push(await firstFrameMs())
  const sorted = took.slice(1).sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  const told = `shortest ${sorted[0]} ms, longest ${sorted.at(-1)} ms, cold ${took[0]} ms`
  console.log(`first frame with ${files} tracked files: median ${median} ms (goal 400); ${told}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** One file that was loaded, and as many more that the tracker takes for loaded like it. */
function track() {
  mkdirSync(join(folder, 'in'))
  writeFileSync(join(folder, 'in/0.csv'), 'a\n1\n')
  const places = { raw_data_path: folder, processed_data_path: join(folder, 'tables'), checkpoint_path: join(folder, 'state') }
  writeFileSync(config, JSON.stringify({ ...places, tables: [{ table_name: 't', source_path_pattern: 'in/*.csv' }] }))
  execFileSync(process.execPath, [main, 'run', '-c', config], { stdio: 'ignore' })
  const tracker = new Database(join(folder, 'state/metadata.db'))
  const columns = tracker.pragma('table_info(file_processing_tracker)').map(({ name }) => name)
  const values = columns.map((name) => (name === 'id' ? 'n' : name === 'file_path' ? "file_path || '/part-' || n" : name))
  tracker.exec(`
    with recursive numbers(n) as (select 2 union all select n + 1 from numbers where n < ${files})
    insert into file_processing_tracker (${columns}) select ${values} from file_processing_tracker, numbers where id = 1`)
  tracker.close()
}

/** From the start of the command until the name of the table is written. */
async function firstFrameMs() {
  const started = performance.now()
  const command = `stty cols 120 rows 30; exec ${process.execPath} ${main} status -c ${config}`
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm-256color', CI: '' } })
  const ended = new Promise((resolve) => terminal.once('exit', resolve))
  let text = ''
  const took = await new Promise((resolve, reject) => {
    terminal.stdout.on('data', (part) => {
      text += part
      if (text.includes('default.t')) resolve(Math.round(performance.now() - started))
    })
    terminal.once('exit', () => reject(new Error(`the dashboard ended: ${text}`)))
  })
  terminal.stdin.write('q')
  await ended
  return took
}

import type { ResourcesReport } from '../../model/resources-report.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

/** What is used and what there is, and what to change. */
export function resourceLines({ cores, memory, spill, tables, advice }: ResourcesReport, colors: Colors): readonly string[] {
  const using = memory.processes.flatMap(({ pid, resident }) => (resident === null ? [] : [`pid ${pid} ${bytes(resident)}`]))
  return [
    `cores    ${cores.machine}, ${cores.per_load} for each of ${counted(cores.loads, 'load')} at a time`,
    `memory   ${bytes(memory.machine)}, ${bytes(memory.free)} free, ${bytes(memory.per_load)} for each load`,
    ...(using.length === 0 ? [] : [`         at work: ${using.join(', ')}`]),
    `spill    ${printable(spill.folder)}: ${bytes(spill.used ?? 0)}${spill.free === null ? '' : `, ${bytes(spill.free)} free on its disk`}`,
    ...tables.map(({ table, small_files: files, small_bytes: size, error }, index) => {
      const head = index === 0 ? 'files    ' : '         '
      if (error !== null) return `${head}${table}: ${colors.red(printable(error))}`
      return `${head}${table}: ${files === 0 ? 'no small files' : `${count(files)} small files (${bytes(size)})`}`
    }),
    '',
    ...(advice.length === 0 ? ['Nothing to change.'] : advice.map((line) => `${colors.yellow('advice')}   ${printable(line)}`)),
  ]
}

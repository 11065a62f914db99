import type { OptimizeCounts, VacuumCounts } from '../../model/report.ts'
import { bytes, count, counted } from '../text/numbers.ts'

/** `12 files (1.2 MB) became 1 (1.1 MB)` */
export function optimizeText({
  files_removed: removed,
  bytes_removed: before,
  files_added: added,
  bytes_added: after,
  deletion_vectors_removed: vectors,
}: OptimizeCounts): string {
  if (removed === 0) return 'nothing to put together'
  const purged = vectors === 0 ? '' : `, ${counted(vectors, 'deletion vector')} purged`
  return `${counted(removed, 'file')} (${bytes(before)}) became ${count(added)} (${bytes(after)})${purged}`
}

export function vacuumText({ files, bytes: size }: VacuumCounts): string {
  return files === 0 ? 'nothing to delete' : `${counted(files, 'file')} deleted (${bytes(size)})`
}

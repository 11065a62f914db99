import { writingBehind } from '../blobs/local-writing.ts'
import { textMapOf } from '../delta/decode.ts'
import { partitionFolder, partitionKey } from '../delta/partition.ts'
import { indexedLeaves, statsText } from '../delta/stats.ts'
import { TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { footerStatistics } from './footer-statistics.ts'
import { ParquetSplice } from './parquet-splice.ts'
import type { SplicedFile } from './positions-splices.ts'
import { discardFiles, EXTENSION, StagedFiles, type StageTarget, type WrittenFile } from './staging.ts'

/** Writes the rows that stay of the row groups that lose some; undefined where none stay. */
export type Rewrite = () => Promise<StagedFiles | undefined>

/**
 * Stages a data file anew: the row groups that lose nothing as they are, and behind them those of the rows that are written
 * again meanwhile. Where these have another schema by now they stay files of their own. Leaves nothing behind when it fails.
 */
export async function stageSplice(
  spliced: SplicedFile,
  rewrite: Rewrite,
  target: StageTarget & { readonly newId: () => string },
): Promise<readonly StagedFiles[]> {
  const { blobs, folder } = target
  const name = `part-${target.newId()}`
  const from = `${folder}/${name}.${EXTENSION}`
  const path = blobs.localPath(from)
  await blobs.createFolder(folder)
  const rewritten: StagedFiles[] = []
  const remembered: Rewrite = async () => {
    const files = await rewrite()
    if (files !== undefined) rewritten.push(files)
    return files
  }
  try {
    const write = () => writeSplice(path, spliced, remembered)
    const { bytes, rows, isJoined } = await (blobs.isLocal ? writingBehind(blobs.localPath(folder), write) : write())
    const file = await writtenFile({ path, from, name, bytes, rows }, spliced, target)
    const staged = new StagedFiles(folder, [file], blobs)
    if (!isJoined) return [staged, ...rewritten]
    for (const one of rewritten) await discardFiles(one, blobs)
    return [staged]
  } catch (error) {
    // What remains is removed by clean; the first error tells more.
    for (const one of rewritten) await discardFiles(one, blobs).catch(() => undefined)
    await blobs.removeFolder(folder).catch(() => undefined)
    throw error
  }
}

async function writeSplice(path: string, { file, groups, copiedRows }: SplicedFile, rewrite: Rewrite) {
  await using splice = await ParquetSplice.begin(path, file)
  const [copying, rewriting] = await Promise.allSettled([splice.append(file, groups), rewrite()])
  if (copying.status === 'rejected') throw copying.reason
  if (rewriting.status === 'rejected') throw rewriting.reason
  failpoint('splice-half-way')
  const rewritten = rewriting.value
  let isJoined = true
  for (const part of rewritten?.localPaths ?? []) isJoined &&= await splice.append(part)
  const { bytes } = await splice.finish()
  return { bytes, isJoined, rows: copiedRows + (isJoined ? (rewritten?.rows ?? 0n) : 0n) }
}

interface Spliced {
  readonly path: string
  readonly from: string
  readonly name: string
  readonly bytes: bigint
  readonly rows: bigint
}

/** What the log will say of it, by what the engine reads in its footer. */
async function writtenFile({ path, from, name, bytes, rows }: Spliced, spliced: SplicedFile, target: StageTarget): Promise<WrittenFile> {
  const { fields, partitionColumns, properties, mapping, session } = target
  const partitions = partitionColumns.map((column) => column.name)
  const leaves = indexedLeaves(fields, partitions, properties, mapping)
  const footer = await footerStatistics(path, leaves, session)
  if (footer.rows !== rows)
    throw new TableError(
      'ING-TABLE-BALANCE',
      `${target.name}: ${rows} rows of ${spliced.file} were to stay, its new file has ${footer.rows}; nothing was committed`,
    )
  const values = textMapOf(spliced.partitionValues)
  const partitionValues = Object.fromEntries(partitionColumns.map((column) => [partitionKey(column), values[partitionKey(column)] || null]))
  const partition = partitionFolder(partitionColumns, partitionValues)
  return {
    path: partition === '' ? `${name}.parquet` : `${partition}/${name}.parquet`,
    from,
    rows,
    bytes,
    partitionValues,
    emptied: false,
    stats: statsText(rows, footer.statistics, leaves),
    tags: undefined,
  }
}

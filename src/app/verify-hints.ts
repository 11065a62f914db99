import type { Damage } from '../model/verification.ts'

const LOG = 'restore the file of _delta_log from a backup, or the whole table'
const MANIFEST = 'restore the folder _ingestd of the table from a backup; rows and log need nothing'
const DATA =
  'restore the file from a backup, go back to a version without it (ingest restore), or load all files again: ingest run --full-drop'
const REBUILD = 'ingest tracker rebuild --force makes the tracker anew from the tables; a backup of it is kept'

/** What to do about each kind of damage. */
export const HINTS: Readonly<Record<Damage, string>> = {
  log_unreadable: LOG,
  log_gap: LOG,
  log_commit: LOG,
  checkpoint_unreadable: 'delete the checkpoint while the commits below it are there, else restore it from a backup',
  checkpoint_differs: 'delete the checkpoint while the commits below it are there: readers that use it see other rows than the others',
  checkpoint_pointer: 'delete _delta_log/_last_checkpoint; the next checkpoint writes it again',
  checksum_differs: 'delete the .crc file: readers take it for true',
  removed_twice: 'go back to the version before it with `ingest restore`, and let one tool alone compact the table (docs/concurrency.md)',
  manifest_missing: MANIFEST,
  manifest_damaged: MANIFEST,
  manifest_differs: MANIFEST,
  data_file_missing: DATA,
  data_file_size: DATA,
  data_file_damaged: DATA,
  data_file_rows: DATA,
  deletion_vector: DATA,
  side_file_missing: MANIFEST,
  rows_differ:
    'see ingest history for what other writers did; go back with ingest restore, or load all files again: ingest run --full-drop',
  quarantine_rows: 'see ingest quarantine list --file FILE; rows that are there twice can be discarded by their ids',
  table_behind: 'restore the table, or load all files again: ingest run --full-drop',
  tracker_behind: 'ingest run takes them over from the log',
  tracker_unknown: REBUILD,
  tracker_state: `do not run before it is mended: ${REBUILD}`,
  tracker_version: REBUILD,
  tracker_counts: REBUILD,
  tracker_extra: `ingest replay FILE loads it again, where its rows are missing; or: ${REBUILD}`,
  tracker_processing: 'ingest run settles it by what the log says',
  full_drop: 'ingest run finishes it',
  other_tracker: 'use that tracker, or take the table over: ingest tracker adopt TABLE',
}

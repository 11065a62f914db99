import { STORAGE_CODES } from './storage-codes.ts'

/**
 * Every error code, its cause and its remedy. `docs/errors.md` is generated from this table; a code, once
 * released, keeps its meaning.
 */
export const ERROR_CODES = {
  'ING-BUG': { cause: 'An invariant of ingestd is broken.', remedy: 'Report it with the message and the log.' },
  'ING-USAGE': { cause: 'The command line is wrong.', remedy: 'See `ingest COMMAND --help`.' },
  'ING-INTERRUPTED': {
    cause: 'The command was stopped by a signal.',
    remedy: 'Run it again: what was in flight is taken up where it was left.',
  },

  'ING-CONFIG-NOT-FOUND': {
    cause: 'The config file does not exist or cannot be read.',
    remedy: 'Pass `--config FILE`, set INGEST_CONFIG, or create one with `ingest init DIR`.',
  },
  'ING-CONFIG-SYNTAX': { cause: 'The config is not valid YAML.', remedy: 'Mend the place that is named.' },
  'ING-CONFIG-UNKNOWN-KEY': {
    cause: 'The config has a key that ingestd does not know.',
    remedy: 'Write the key that is proposed, or remove it.',
  },
  'ING-CONFIG-VALUE': { cause: 'A value has the wrong type or is out of range.', remedy: 'Write what the message asks for.' },
  'ING-CONFIG-MISSING': { cause: 'A required key is missing.', remedy: 'Add it.' },
  'ING-CONFIG-ENV': {
    cause: 'A `${NAME}` names an environment variable, file or command that gives nothing.',
    remedy: 'Set it, or give a default: `${NAME:-default}`.',
  },
  'ING-CONFIG-COMBINATION': { cause: 'Keys contradict each other or need one another.', remedy: 'Do what the message says.' },
  'ING-CONFIG-DUPLICATE-TABLE': {
    cause: 'Two tables have the same name or the same target.',
    remedy: 'Rename one, or give it its own target_path.',
  },
  'ING-CONFIG-UNSUPPORTED': {
    cause: 'The key is known, but what it asks for is not built yet.',
    remedy: 'Remove the key; the other tables run.',
  },
  'ING-CONFIG-TABLE-UNKNOWN': {
    cause: '--tables names a table that the config does not have, or a name that fits several.',
    remedy: 'Use a name that `ingest status` shows.',
  },
  'ING-CONFIG-MODULE': {
    cause: 'A custom strategy cannot be loaded.',
    remedy: 'Check the path and that the module exports a strategy made with defineStrategy.',
  },

  'ING-FILE-GONE': { cause: 'The file vanished between listing and reading.', remedy: 'Deliver it again, or `ingest skip FILE`.' },
  'ING-FILE-CHANGED-AFTER-LOAD': {
    cause: 'A file that was loaded has new content, and on_changed_file does not load it.',
    remedy: 'Set on_changed_file, or deliver new content under a new name.',
  },
  'ING-FILE-STATE': {
    cause: 'The file is in no state in which it could be unloaded or loaded again.',
    remedy: 'See `ingest explain FILE`.',
  },
  'ING-FILE-WAITING': {
    cause: 'A file is not complete yet: it is still changing, or its marker is missing.',
    remedy: 'None: a later run takes it.',
  },
  'ING-FILE-UNREADABLE': { cause: 'The file cannot be opened.', remedy: 'Grant read permission, then `ingest retry FILE`.' },
  'ING-FILE-TRANSFORM': {
    cause: 'The transform fails on the rows of the file: a value cannot be converted, or error() was called.',
    remedy: 'Mend the value or the query, then `ingest retry FILE`.',
  },
  'ING-FILE-PATH': {
    cause: 'The path of the file does not tell a column of path_columns, or tells a value that is not of its type.',
    remedy: 'Move the file, or mend path_columns or the type under columns.',
  },
  'ING-SOURCE-REMOVED-ROWS': {
    cause: 'A commit of the source table removes rows, and `changes: inserts` follows added rows alone.',
    remedy: 'Set `format_options: {changes: all}` or `{skip_change_commits: true}`, then `ingest retry FILE`.',
  },
  'ING-SOURCE-COMMITS-LOST': {
    cause: "The source table's log was cleaned up before its commits were loaded.",
    remedy: 'Load the table anew (`ingest retry FILE`, then `ingest run --full-drop`), or go on without them: `ingest skip FILE`.',
  },
  'ING-SOURCE-DATA-FILE': {
    cause: 'A data file of a commit of the source table was vacuumed, deleted or damaged.',
    remedy: 'Begin at a version that is whole: `format_options: {starting_version: N, initial_snapshot: true}`, and skip the commit.',
  },
  'ING-FILE-TYPE': {
    cause: 'A column has a type that would not be read exactly.',
    remedy: 'Write it as another type; docs/types.md tells what becomes of each.',
  },
  'ING-POLARS-MISSING': {
    cause: 'A table needs nodejs-polars, which is not installed, or not for this platform.',
    remedy: '`npm install nodejs-polars@0.24.1` beside ingestd.',
  },
  'ING-FILE-EMPTY': { cause: 'The file has no bytes and its format or strategy needs some.', remedy: 'Deliver it again.' },
  'ING-FILE-TRUNCATED': { cause: 'The end of the file is missing.', remedy: 'Deliver it again; the new version is taken by itself.' },
  'ING-FILE-FORMAT': { cause: 'The content is not of the configured format.', remedy: 'Check file_format and the file.' },
  'ING-FILE-ARCHIVE': {
    cause: 'An archive is damaged, encrypted, unpacks to more than any data does, or has no member of the format.',
    remedy: 'Deliver another, or see `members` and `max_unpacked_size` in docs/formats.md.',
  },
  'ING-FILE-ENCODING': {
    cause: 'The text is not in the configured encoding.',
    remedy: 'Set `format_options: {encoding: …}` or deliver UTF-8.',
  },
  'ING-FILE-DUPLICATE-COLUMN': {
    cause: 'Two columns of the file have the same name, or names that differ by case alone.',
    remedy: 'Rename one at the source.',
  },
  'ING-FILE-COLUMN-NAME': { cause: 'A column name cannot stand in a Delta table.', remedy: 'Map it with rename_columns.' },
  'ING-FILE-RAGGED-ROW': { cause: 'A row has more or fewer fields than the header.', remedy: 'Mend the line, then `ingest retry FILE`.' },
  'ING-FILE-VALUE': {
    cause: 'A value does not fit the type of its column.',
    remedy: 'Mend the value, or set the type under columns for a new table.',
  },
  'ING-FILE-JSON': { cause: 'The text is not valid JSON.', remedy: 'Mend the line, then `ingest retry FILE`.' },
  'ING-FILE-CRASHES': {
    cause: 'The process that loaded the file died each time, also when it had no other file.',
    remedy:
      'Look at the file and report it; when it was memory, raise engine.memory_limit. Then `ingest retry FILE`, or `ingest skip FILE`.',
  },
  'ING-FILE-TIMEOUT': {
    cause: 'The batch took longer than timeout_minutes.',
    remedy: 'Raise timeout_minutes or lower max_bytes_per_batch.',
  },

  'ING-SCHEMA-NEW-COLUMN': {
    cause: 'The file has a column that the table lacks, and schema_evolution is fail (false).',
    remedy: 'Set `schema_evolution: true`, or remove the column.',
  },
  'ING-SCHEMA-MISSING-COLUMN': {
    cause: 'The file lacks a column of the table, and schema_evolution is fail (false).',
    remedy: 'Set `schema_evolution: true`, or add the column.',
  },
  'ING-SCHEMA-STRANGER': {
    cause: 'No column of the file is in the table: its first line is no header, or that of other files.',
    remedy: 'Give the file its header, or name its columns by rename_columns.',
  },
  'ING-SCHEMA-IGNORED': {
    cause: 'Files have a column, or a nested field, that the table lacks, and schema_evolution is ignore: it was left out.',
    remedy: 'None is needed; `schema_evolution: true` adds it, exclude_columns leaves it out without a word.',
  },
  'ING-SCHEMA-TYPE': {
    cause: 'A column of the file has a type that does not fit the table.',
    remedy: 'Deliver the type of the table, or let the column be widened or rescued (schema_evolution).',
  },

  'ING-TABLE-FEATURE': {
    cause: 'The table needs a Delta feature that ingestd does not read, or does not write.',
    remedy: 'Remove the feature, or write the table with the tool that added it.',
  },
  'ING-TABLE-LOG': { cause: 'The transaction log is damaged or has a gap.', remedy: 'Restore the missing part of _delta_log.' },
  'ING-TABLE-CHANGE-FEED': {
    cause: 'The table kept no change feed at a version whose changes are asked for.',
    remedy: 'Set `delta: {change_data_feed: true}` and ask for versions after the next load.',
  },
  'ING-TABLE-KEYS': {
    cause:
      'The keys of the table, or what orders their versions, are not what the strategy needs: nested, missing, or others than those that earlier batches were loaded with.',
    remedy: 'Mend primary_keys and sequence_by, or load everything again with `ingest run --full-drop`.',
  },
  'ING-TABLE-TRANSFORM': {
    cause: 'The query of a transform cannot be used: it is not SQL, names what is not there, or reads more than records.',
    remedy: 'Mend the line that the message names.',
  },
  'ING-TABLE-CONDITION': {
    cause: 'delete_when is no condition on the columns of the files.',
    remedy: "Write a condition in SQL, as `op = 'D'`; a column that only some files have can be declared under `columns`.",
  },
  'ING-FILE-BAD-ROWS': {
    cause: 'The file has more rows that cannot be loaded than max_bad_rows allows.',
    remedy: 'Mend the rows, or raise max_bad_rows; then `ingest retry FILE`.',
  },
  'ING-ROWS-QUARANTINED': {
    cause: 'Rows of a file could not be loaded, and went to `<table>__quarantine`; the others are loaded.',
    remedy: '`ingest quarantine list` shows them; mend them with `export` and `resubmit`, or `discard` them.',
  },
  'ING-QUARANTINE-UNKNOWN': {
    cause:
      'A row that is named is not in quarantine: it was taken back in or discarded already, its load was undone, or it never was there.',
    remedy: 'Use ids that `ingest quarantine list` shows.',
  },
  'ING-QUARANTINE-FILE': {
    cause: 'The file of mended rows cannot be taken as it is.',
    remedy: 'Do what the message says; nothing was loaded of the table that it names.',
  },
  'ING-QUARANTINE-SNAPSHOT': {
    cause: 'Rows of a snapshot cannot come back by themselves where they stand for all that the table or a partition holds.',
    remedy: 'Mend the landing file and deliver it again.',
  },
  'ING-FILE-EXPECTATION': {
    cause: 'The file breaks an expectation of its table with on_violation: fail.',
    remedy: 'Mend the rows or the rule, then `ingest retry FILE`.',
  },
  'ING-ROWS-EXPECTATION': {
    cause: 'Rows, files or a batch break an expectation with on_violation: warn; they were loaded.',
    remedy: 'Look at the rows that the message names; drop, quarantine or fail keeps such rows out.',
  },
  'ING-TABLE-EXPECTATION': {
    cause: 'An expectation cannot be checked: its check is no condition in SQL, or names what is not there.',
    remedy: 'Mend the rule at the place that the message names.',
  },
  'ING-FILE-HELD': {
    cause: 'The file would change the table more than `guard` allows, or is an empty snapshot that would delete all.',
    remedy: 'Look at the file; `ingest approve FILE` lets it load, `ingest skip FILE` leaves it out.',
  },
  'ING-KEY-TIE': {
    cause: 'Rows of one key have the same sequence_by and differ, so that nothing but the order of files tells which is newer.',
    remedy: 'Deliver a sequence that tells them apart, or set `when_tied: reject`.',
  },
  'ING-TABLE-VERSION': {
    cause: 'The table has no such version, or not any more.',
    remedy: 'Choose one that `ingest history TABLE` shows.',
  },
  'ING-TABLE-RESTORE': {
    cause: 'The table cannot go back to that version: files are gone, or the step is not one that can be made.',
    remedy: 'Choose another version that `ingest history TABLE` shows.',
  },
  'ING-TABLE-UNDO': {
    cause: 'Rows of single files cannot be taken out of the table, or loaded again.',
    remedy: 'Do what the message says; nothing was changed.',
  },
  'ING-TABLE-SOURCE-UNKNOWN': {
    cause: 'The rows of the table do not tell which landing file they came from, so those of one file cannot be taken out or replaced.',
    remedy: 'Go back to an older version with `ingest restore`, or load all files again with `ingest run --full-drop`.',
  },
  'ING-TABLE-BUSY': { cause: 'Another process is working on the table.', remedy: 'Wait for it, and run the command again.' },
  'ING-TABLE-DATA-FILE': { cause: 'A data file that the log lists is missing or damaged.', remedy: 'Restore it, or rewrite the table.' },
  'ING-TABLE-NOT-EMPTY': {
    cause: 'The target folder holds files, but no Delta log.',
    remedy: 'Choose another target_path, or empty the folder.',
  },
  'ING-TABLE-OTHER-TRACKER': {
    cause: 'Another tracker loads this table.',
    remedy: 'Use that tracker, or take the table over with `ingest tracker adopt TABLE`; rebuild a lost one: `ingest tracker rebuild`.',
  },
  'ING-TABLE-BEHIND': {
    cause: 'The table lacks batches that the tracker holds as committed: it was deleted, moved or rolled back.',
    remedy: 'Restore the table, or load all files again with `ingest run --tables TABLE --full-drop`.',
  },
  'ING-TABLE-PARTITIONING': { cause: 'partition_columns differ from those of the table.', remedy: 'Write the columns of the table.' },
  'ING-TABLE-PARTITION-NULL': {
    cause: 'A partition column held an empty text; a partition value cannot be empty, so it became null.',
    remedy: 'None, or deliver another value than an empty text.',
  },
  'ING-TABLE-CONSTRAINT': { cause: 'A row violates a constraint of the table.', remedy: 'Mend the row.' },
  'ING-TABLE-CONSTRAINT-UNKNOWN': {
    cause: 'The table has a constraint whose meaning ingestd cannot be sure of, so that it could not keep it.',
    remedy: 'Write the constraint in simpler terms, drop it, or load the table with the tool that made it.',
  },
  'ING-TABLE-APPEND-ONLY': {
    cause: 'The table is append-only, and the strategy removes rows.',
    remedy: 'Use append, or unset delta.appendOnly.',
  },
  'ING-TABLE-CONFLICT': { cause: 'Other writers changed the table again and again.', remedy: 'None: it is tried again.' },
  'ING-TABLE-BALANCE': { cause: 'Rows read and rows accounted for differ; nothing was committed.', remedy: 'Report it with the file.' },
  'ING-TABLE-ZORDER': {
    cause: 'The rows of the table cannot be put in the order that --zorder asks for.',
    remedy: 'Name columns of the table that have a minimum and a maximum in its log, and are no partition columns.',
  },
  'ING-TABLE-RETENTION': {
    cause: 'vacuum was asked to delete files that are younger than the retention of the table, or that retention is not understood.',
    remedy: 'Leave --retention out, or add --force when no other reader or writer is at work; or set the retention in days.',
  },
  'ING-TABLE-STRATEGY': { cause: 'A custom strategy failed or returned no plan.', remedy: 'Mend the module.' },

  'ING-SOURCE-CLEAN-UP': {
    cause: 'A loaded file could not be archived or deleted, as after_load asks.',
    remedy: 'None for what is loaded. Do what the message says; later runs try again.',
  },
  'ING-SOURCE-CLEANED': {
    cause: 'Loaded files are not at their source any more, since after_load took them from there, and all of them were to be loaded again.',
    remedy: 'Move the archived files back first.',
  },
  'ING-SOURCE-QUEUE': {
    cause: 'The queue of watch.notifications cannot be read, or a message in it is not understood.',
    remedy: 'Do what the message says; until then the source is listed.',
  },
  'ING-SOURCE-MISSING': {
    cause: 'The folder or file that a source pattern names does not exist.',
    remedy: 'Create it, or mend source_path_pattern.',
  },
  'ING-SOURCE-NAME': {
    cause: 'A file name is not UTF-8 and is shown like the name of another file, or the key of an object with bytes ends with a slash.',
    remedy: 'Rename the file at the source.',
  },
  'ING-SOURCE-UNREADABLE': { cause: 'A folder of the source cannot be listed.', remedy: 'Grant read permission.' },
  ...STORAGE_CODES,
  'ING-ENGINE-MEMORY': { cause: 'The engine ran out of memory.', remedy: 'Raise engine.memory_limit or lower max_bytes_per_batch.' },
  'ING-ENGINE-CRASH': { cause: 'The engine process ended unexpectedly.', remedy: 'It is tried again.' },
  'ING-ENGINE': { cause: 'The engine failed.', remedy: 'See the message.' },
  'ING-QUERY': { cause: 'The SQL of a query is wrong.', remedy: 'Mend the SQL.' },

  'ING-HTTP-ADDRESS': {
    cause: 'The address of `http` cannot be listened on: another process does, or this machine does not have it.',
    remedy: 'Set http.port or http.host, or `http: null` for no server; `ss -ltnp` tells who listens.',
  },
  'ING-HTTP-OPEN': {
    cause: 'Metrics and status are served on an address that others reach, and no token is asked for.',
    remedy: 'Set http.token, or http.host: 127.0.0.1.',
  },

  'ING-DAEMON-RUNNING': {
    cause: 'Another daemon works with the same tracker.',
    remedy: 'Stop it, or start this one with `--standby`, which waits until it is gone.',
  },
  'ING-TRACKER-LOCKED': { cause: 'Another process holds the tracker.', remedy: 'Wait for it or stop it.' },
  'ING-TRACKER-CORRUPT': { cause: 'The tracker database is damaged.', remedy: 'Restore a backup, or `ingest tracker rebuild`.' },
  'ING-TRACKER-NEWER': { cause: 'The tracker was written by a newer ingestd.', remedy: 'Upgrade ingestd.' },
  'ING-TRACKER-UNAVAILABLE': { cause: 'The tracker cannot be opened.', remedy: 'Check checkpoint_path, or tracker_url.' },
  'ING-TRACKER-UNREACHABLE': {
    cause: 'The Postgres server of the tracker cannot be reached, was lost, or takes too long; it was tried again for half a minute.',
    remedy: 'Start the server; check host and port in tracker_url. A daemon goes on by itself when it is back.',
  },
  'ING-TRACKER-DENIED': {
    cause: 'The Postgres server of the tracker refuses the user, the password, the database, the schema or the way of encryption.',
    remedy: 'Check tracker_url as the hint says.',
  },
  'ING-TRACKER-COPY': {
    cause: 'There is no tracker to copy, the target of the copy holds files, or a process works with one of the two.',
    remedy: 'Name another target, or stop what works with them.',
  },
  'ING-TRACKER-NOT-EMPTY': {
    cause: 'The tracker that was to be made anew knows of loaded files: it is not lost.',
    remedy: 'None is needed; `ingest tracker rebuild --force` does it all the same, and keeps the old one.',
  },
  'ING-TRACKER-BACKUP': {
    cause: 'There is no tracker to back up, or the name of the backup is taken.',
    remedy: 'Name another file.',
  },
  'ING-TRACKER-RETENTION': {
    cause: 'prune was not told how old history may become.',
    remedy: 'Give `--older-than DAYS`, or set tracker_retention_days.',
  },
  'ING-TRACKER-NOTHING': { cause: 'No tracker loads the table that was to be taken over.', remedy: 'Load it with `ingest run`.' },
  'ING-FILE-UNKNOWN': { cause: 'The tracker knows no such file.', remedy: 'See `ingest files` and `ingest explain FILE`.' },
} as const satisfies Record<string, { readonly cause: string; readonly remedy: string }>

export type ErrorCode = keyof typeof ERROR_CODES

import { Command, Option } from 'commander'
import type { AdoptReport, CopyReport, PruneReport, RebuildReport } from '../../model/tracker-report.ts'
import { confirmed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { positive } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { bytes, counted } from '../text/numbers.ts'
import { exportCommand, publishCommand } from './tracker-export.ts'

export function trackerCommand(frame: Frame): Command {
  const command = new Command('tracker').description(
    'the tracker itself: back it up, copy, export and publish it, prune it, make it anew, take tables over',
  )
  for (const make of [backupCommand, copyCommand, exportCommand, publishCommand, pruneCommand, rebuildCommand, adoptCommand])
    command.addCommand(make(frame))
  return command
}

function backupCommand(frame: Frame): Command {
  return new Command('backup')
    .description('copy the tracker while it is used, and read the copy back')
    .argument('[file]', 'a new file (default: in backups/ below checkpoint_path)')
    .action(
      frame.handle(async (cli, file: string | undefined) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.backup({ file })
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(`${report.file} (${bytes(report.bytes)})`)
        return EXIT.ok
      }),
    )
}

function copyCommand(frame: Frame): Command {
  return new Command('copy')
    .description('take the tracker to another place: from a file to Postgres, or back')
    .requiredOption('--to <place>', 'postgres://… or a new file; schema and tables are those of the config')
    .option('--from <place>', 'postgres://… or a file (default: the tracker of the config)')
    .action(
      frame.handle(async (cli, places: { readonly from?: string; readonly to: string }) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.copy(places)
        if (cli.output.json) await cli.output.document(report)
        else for (const line of copyLines(report)) await cli.output.line(line)
        return EXIT.ok
      }),
    )
}

function copyLines({ from, to, tracker, files, batches }: CopyReport): readonly string[] {
  return [
    `${from} -> ${to}: ${counted(files, 'file')} and ${counted(batches, 'batch', 'batches')} of tracker ${tracker}.`,
    'Name the new place in the config (tracker_url), and use the old one no more.',
  ]
}

interface PruneOptions {
  readonly olderThan?: number
  readonly dryRun?: true
}

function pruneCommand(frame: Frame): Command {
  return new Command('prune')
    .description('forget old history and batches; what is known of a file stays')
    .addOption(new Option('--older-than <days>', 'days (default: tracker_retention_days)').argParser(positive))
    .option('--dry-run', 'say what would be forgotten, and change nothing')
    .action(
      frame.handle(async (cli, { olderThan, dryRun }: PruneOptions) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.prune({ olderThanDays: olderThan, dryRun: dryRun === true })
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(pruneText(report))
        return EXIT.ok
      }),
    )
}

function pruneText({ dry_run: isDryRun, before, events, batches, expectations }: PruneReport): string {
  const what = `${counted(events, 'entry', 'entries')} of histories, ${counted(batches, 'batch', 'batches')} and ${counted(expectations, 'count')} of rules from before ${before}`
  return isDryRun ? `Would forget ${what}.` : `Forgot ${what}.`
}

function rebuildCommand(frame: Frame): Command {
  return new Command('rebuild')
    .description('make a lost tracker anew from the tables alone: what they hold is loaded, and is not loaded again')
    .option('--force', 'also where the tracker knows of loaded files; the old one is kept beside it')
    .action(
      frame.handle(async (cli, { force }: { readonly force?: true }) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.rebuild({ force: force === true })
        if (cli.output.json) await cli.output.document(report)
        else for (const line of rebuildLines(report)) await cli.output.line(line)
        return EXIT.ok
      }),
    )
}

function rebuildLines({ tracker, backup, tables }: RebuildReport): readonly string[] {
  if (tracker === null) return ['No table names a tracker: there is nothing to rebuild from.']
  return [
    ...tables.map(({ table, batches, files, rows, from_tracker: from }) => {
      const others = [
        ...(files.pending > 0 ? [`${files.pending} pending`] : []),
        ...(files.skipped > 0 ? [`${files.skipped} skipped`] : []),
        ...(from === null ? [] : [`taken over from tracker ${from}`]),
      ]
      const loaded = `${counted(files.completed, 'file')} loaded (${counted(rows, 'row')}) in ${batches === 1 ? '1 batch' : `${batches} batches`}`
      return `${table}: ${[loaded, ...others].join(', ')}`
    }),
    ...(backup === null ? [] : [`The old tracker is kept as ${backup}`]),
    `Tracker ${tracker} knows ${counted(tables.length, 'table')}.`,
  ]
}

function adoptCommand(frame: Frame): Command {
  return new Command('adopt')
    .description('take a table over that another tracker loaded: that one may load it no more')
    .argument('<table>', 'database.table, or the table alone')
    .option('--yes', 'do not ask')
    .action(
      frame.handle(async (cli, table: string, { yes }: { readonly yes?: true }) => {
        const question = `Take ${table} over? The tracker that loaded it until now cannot load it any more, and must be stopped.`
        if (yes !== true && !(await confirmed(question, cli, 'another tracker loses the table'))) return EXIT.ok
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.adopt(table)
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(adoptText(report))
        return EXIT.ok
      }),
    )
}

function adoptText({ table, from_tracker: from, version, batches, files }: AdoptReport): string {
  const how =
    from === null ? `${table} belongs to this tracker already` : `${table} is taken over from tracker ${from} (version ${version ?? '?'})`
  const news = batches === 0 ? 'it knew all of its batches' : `${batches === 1 ? '1 batch was' : `${batches} batches were`} new to it`
  return `${how}: ${counted(files, 'file')} loaded, ${news}.`
}

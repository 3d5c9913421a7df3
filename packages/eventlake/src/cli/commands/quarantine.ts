import type { Command } from 'commander';
import { EventlakeError } from '../../errors.js';
import type { QuarantinedRecord, QuarantineFilter, QuarantineStage } from '../../quarantine.js';
import { invoke } from '../invocation.js';
import { openForCommand } from '../open/components.js';
import { wholeNumber } from '../options.js';
import { print, printJson, remark } from '../terminal/streams.js';

/** Of a stage, held in memory at a time. */
const PAGE_RECORDS = 10_000;

interface Which {
  stage?: QuarantineStage;
  reason?: string;
}

export function registerQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('what was set aside, why, and how to send it again')
    .addHelpText(
      'after',
      `
A record's place is its partition and offset in the log, such as 0/1234.

Examples:
  eventlake quarantine list
  eventlake quarantine show --reason 'event_id: missing' --limit 5
  eventlake quarantine show 0/1234
  eventlake quarantine redrive 0/1234 --field source=web
  eventlake quarantine redrive --reason 'timestamp: future' --yes`,
    );
  registerList(quarantine);
  registerShow(quarantine);
  registerRedrive(quarantine);
}

function registerList(quarantine: Command): void {
  quarantine
    .command('list')
    .description('how many records, by stage and reason')
    .option('--stage <stage>', 'bronze (no JSON object) or silver (not valid)')
    .addHelpText(
      'after',
      `\nExamples:\n  eventlake quarantine list\n  eventlake quarantine list --stage silver --json`,
    )
    .action(async (which: Which, command: Command) => {
      const invocation = await invoke(command);
      const { json } = invocation;
      const { quarantineReasons } = await import('../../quarantine.js');
      const context = await openForCommand(invocation);
      try {
        const reasons = await quarantineReasons(context, filterOf(which));
        if (json) return printJson(reasons);
        if (reasons.length === 0) return print('Nothing is in quarantine.');
        const { renderTable } = await import('../terminal/table.js');
        const { formatCount } = await import('../terminal/format.js');
        const rows = reasons.map(({ stage, reason, records, oldest, newest }) => [
          formatCount(records),
          stage,
          reason,
          oldest.slice(0, 19),
          newest.slice(0, 19),
        ]);
        print(renderTable(['records', 'stage', 'reason', 'oldest', 'newest'], rows));
      } finally {
        await context.close();
      }
    });
}

function registerShow(quarantine: Command): void {
  quarantine
    .command('show')
    .description('the records themselves, newest first')
    .argument('[place]', 'partition/offset of one record, whole')
    .option('--stage <stage>', 'bronze or silver')
    .option('--reason <text>', 'only those with this reason')
    .option('--limit <n>', 'at most so many a stage', '20')
    .addHelpText(
      'after',
      `\nExamples:\n  eventlake quarantine show --limit 5\n  eventlake quarantine show 0/1234`,
    )
    .action(async (place: string | undefined, options: Which & { limit: string }, command: Command) => {
      const invocation = await invoke(command);
      const { json } = invocation;
      const { quarantinedRecords } = await import('../../quarantine.js');
      const context = await openForCommand(invocation);
      try {
        const filter = filterOf(options, place);
        const records = await quarantinedRecords(context, filter, wholeNumber(options.limit, '--limit'));
        if (place && records.length === 0) throw notThere(place);
        if (json) return printJson(records.map(asJson));
        if (place) return showWhole(records[0]!);
        await showTable(records);
      } finally {
        await context.close();
      }
    });
}

interface RedriveOptions extends Which {
  file?: string;
  field?: Record<string, unknown>;
  yes?: boolean;
}

function registerRedrive(quarantine: Command): void {
  quarantine
    .command('redrive')
    .description('append records to the log again, mended or as they were; each can be redriven once')
    .argument('[place]', 'partition/offset of one record')
    .option('--file <path>', 'the mended record; - is stdin')
    .option('--field <name=value>', "a field's new value, JSON or text; repeatable", fieldValue)
    .option('--stage <stage>', 'all of this stage: bronze or silver')
    .option('--reason <text>', 'all with this reason')
    .option('--yes', 'do not ask before redriving many')
    .addHelpText(
      'after',
      `
The record goes through the whole pipeline as a new one, with its origin in its headers. The row in quarantine stays.

Examples:
  eventlake quarantine redrive 0/1234
  eventlake quarantine redrive 0/1234 --file mended.json
  eventlake quarantine redrive 0/1234 --field source=web
  eventlake quarantine redrive --reason 'timestamp: future' --yes`,
    )
    .action(async (place: string | undefined, options: RedriveOptions, command: Command) => {
      const invocation = await invoke(command);
      const { json } = invocation;
      if (!place && !options.reason && !options.stage) {
        throw new EventlakeError(
          'invalid',
          'Which records?',
          {},
          'Name a place such as 0/1234, --reason or --stage.',
        );
      }
      if (!place && options.file)
        throw new EventlakeError('invalid', '--file mends one record: name its place');
      const { quarantinedRecords, quarantineReasons, redrive, withFields } = await import(
        '../../quarantine.js'
      );
      const mended = options.file ? await readInput(options.file) : undefined;
      const context = await openForCommand(invocation);
      const redriveOne = async (record: QuarantinedRecord) => {
        const value = mended ?? record.value;
        return redrive(context, record, options.field && value ? withFields(value, options.field) : value);
      };
      try {
        const filter = filterOf(options, place);
        const count = (await quarantineReasons(context, filter)).reduce((sum, of) => sum + of.records, 0);
        if (count === 0) throw place ? notThere(place) : nothingLikeThat();
        if (!place && !options.yes && !(await confirm(count))) return;
        const done = { appended: 0, alreadyRedriven: 0, leftAsTheyAre: 0 };
        for (let skip = 0; skip < count; skip += PAGE_RECORDS) {
          const records = await quarantinedRecords(context, filter, place ? 1 : PAGE_RECORDS, skip);
          // Of a topic that was made anew, a place may have had several: the newest is meant.
          for (const record of place ? records.slice(0, 1) : records) {
            const outcome = await redriveOne(record).catch((error: unknown) => {
              // One of many that has nothing to send does not keep the others.
              if (place || !(error instanceof EventlakeError) || error.kind !== 'invalid') throw error;
              return 'left' as const;
            });
            if (outcome === 'appended') done.appended++;
            else if (outcome === 'left') done.leftAsTheyAre++;
            else done.alreadyRedriven++;
          }
        }
        if (place && done.alreadyRedriven > 0)
          remark(`${place} had been redriven before: nothing was appended.`);
        if (json) return printJson(done);
        print(`${done.appended} appended, ${done.alreadyRedriven} had been redriven before.`);
        if (done.leftAsTheyAre > 0)
          print(`${done.leftAsTheyAre} were left: they have no value, or no fields that could be set.`);
      } finally {
        await context.close();
      }
    });
}

function filterOf({ stage, reason }: Which, place?: string): QuarantineFilter {
  if (stage && stage !== 'bronze' && stage !== 'silver') {
    throw new EventlakeError('invalid', `There is no stage ${stage}`, {}, '--stage is bronze or silver.');
  }
  return {
    ...(stage ? { stage } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(place ? { position: positionOf(place) } : {}),
  };
}

function positionOf(place: string): { partition: number; offset: number } {
  const match = /^(\d{1,9})\/(\d{1,15})$/.exec(place);
  if (!match) {
    throw new EventlakeError(
      'invalid',
      `${place} is no place in the log`,
      {},
      'It is partition/offset: 0/1234.',
    );
  }
  return { partition: Number(match[1]), offset: Number(match[2]) };
}

function fieldValue(text: string, previous: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new EventlakeError('invalid', `--field ${text} must be name=value`);
  const value = text.slice(at + 1);
  let parsed: unknown = value;
  try {
    parsed = JSON.parse(value);
  } catch {
    // Plain text.
  }
  return { ...previous, [text.slice(0, at)]: parsed };
}

function notThere(place: string): EventlakeError {
  return new EventlakeError(
    'not-found',
    `${place} is not in quarantine`,
    {},
    '`eventlake quarantine show` lists records.',
  );
}

function nothingLikeThat(): EventlakeError {
  return new EventlakeError(
    'not-found',
    'Nothing like that is in quarantine',
    {},
    '`eventlake quarantine list` shows the reasons, to be given in full.',
  );
}

function textOf({ value }: QuarantinedRecord): string | null {
  return value ? Buffer.from(value).toString('utf8') : null;
}

function asJson(record: QuarantinedRecord): object {
  const { value, sourceId: _, ...rest } = record;
  return {
    ...rest,
    value: textOf(record),
    valueBase64: value ? Buffer.from(value).toString('base64') : null,
  };
}

async function showTable(records: readonly QuarantinedRecord[]): Promise<void> {
  const { renderTable } = await import('../terminal/table.js');
  if (records.length === 0) return print('Nothing like that is in quarantine.');
  const rows = records.map((record) => [
    `${record.partition}/${record.offset}`,
    record.stage,
    record.reason,
    record.arrived.slice(0, 19),
    record.isRedriven ? 'redriven' : '',
    (textOf(record) ?? '').slice(0, 100),
  ]);
  print(renderTable(['place', 'stage', 'reason', 'arrived', '', 'value'], rows));
}

function showWhole(record: QuarantinedRecord): void {
  remark(`place    ${record.partition}/${record.offset} (${record.stage})`);
  remark(`reason   ${record.reason}`);
  remark(`arrived  ${record.arrived}`);
  if (record.isRedriven) remark('It has been redriven.');
  // Alone on stdout, so that it can be sent to a file, mended there, and redriven with --file.
  process.stdout.write(record.value ?? '');
  if (process.stdout.isTTY) print();
}

async function readInput(path: string): Promise<Uint8Array> {
  if (path !== '-') return (await import('node:fs/promises')).readFile(path);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function confirm(count: number): Promise<boolean> {
  const { askYesNo } = await import('../terminal/ask.js');
  return askYesNo(
    `Append ${count} ${count === 1 ? 'record' : 'records'} to the log again?`,
    'Nothing was appended.',
  );
}

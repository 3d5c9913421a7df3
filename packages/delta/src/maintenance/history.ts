import type { HistoryEntry } from '../contract.js';
import type { Commit } from '../log/commit-file.js';
import { listLog, readCommits } from '../log/reader.js';
import { commitsIn } from '../log/segment.js';
import type { Store } from '../store.js';

/** What was done to the table, newest first, as far back as the log goes. */
export async function readHistory(store: Store, table: string, limit?: number): Promise<HistoryEntry[]> {
  const files = commitsIn(await listLog(store, table)).reverse();
  const commits = await readCommits(store, table, limit === undefined ? files : files.slice(0, limit));
  return commits.map(entryOf);
}

/** The section "Commit Provenance Information" leaves everything in it to the writer, and the action itself too. */
function entryOf({ version, timestampMs, actions }: Commit): HistoryEntry {
  const info = actions.find((action) => 'commitInfo' in action)?.commitInfo;
  return { ...info, version, timestamp: timestampMs };
}

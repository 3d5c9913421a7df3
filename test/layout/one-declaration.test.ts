import { expect, test } from 'vitest';
import { sourcesBelow } from './sources.js';

/** Names that nothing but the shop's pipeline can mean; `page`, `source` and `timestamp` are everybody's words. */
const COLUMNS =
  /\b(event_id|user_id|event_type|dau_count|login_count|purchase_count|user_events|user-events)\b/;

/** Examples in a command's help, hints and the default pipeline's name are prose. */
const PROSE = /`\n?[^`]*Examples:[^`]*`|\bhint: '[^']*'|@eventlake\/user-events/g;

test("no file but the pipeline's names its columns or tables", () => {
  const wrong = ['packages/eventlake/src', 'packages/delta/src']
    .flatMap(sourcesBelow)
    .flatMap(({ path, code }) =>
      [...code.replaceAll(PROSE, '').matchAll(new RegExp(COLUMNS, 'g'))].map(([name]) => `${path}: ${name}`),
    );
  expect(wrong).toEqual([]);
});

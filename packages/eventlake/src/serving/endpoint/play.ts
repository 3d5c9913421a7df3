import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
textarea { width: 100%; height: 9rem; box-sizing: border-box; font: 14px/1.4 ui-monospace, monospace; }
form { display: flex; gap: .5rem; flex-wrap: wrap; align-items: center; }
table { border-collapse: collapse; margin-top: 1rem; font: 13px/1.4 ui-monospace, monospace; }
th, td { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: .15rem .5rem; text-align: left; }
td.number { text-align: right; }
pre { white-space: pre-wrap; }
#note { opacity: .7; }`;

/** What comes back is only ever put in as text. */
const SCRIPT = `
const at = (id) => document.getElementById(id);
const ROWS_MAX = 1000;
at('query').value = decodeURIComponent(location.hash.slice(1)) ||
  "SELECT database, name, total_rows FROM system.tables WHERE database IN ('realtime', 'gold', 'silver', 'bronze') ORDER BY 1, 2";
let running;
async function run() {
  running?.abort();
  running = new AbortController();
  const query = at('query').value;
  history.replaceState(null, '', '#' + encodeURIComponent(query));
  at('note').textContent = '…';
  const startMs = performance.now();
  try {
    const headers = { 'X-ClickHouse-User': at('user').value || 'default', 'X-ClickHouse-Key': at('password').value };
    const response = await fetch('/?default_format=JSONCompact&limit=' + (ROWS_MAX + 1), {
      method: 'POST', body: query, headers, signal: running.signal,
    });
    const text = await response.text();
    const ms = Math.round(performance.now() - startMs);
    if (!response.ok || response.headers.get('x-clickhouse-format') !== 'JSONCompact') return show(pre(text), ms + ' ms');
    const { meta, data } = JSON.parse(text);
    const more = data.length > ROWS_MAX ? 'the first ' + ROWS_MAX + ' rows, ' : data.length + ' rows, ';
    show(table(meta, data.slice(0, ROWS_MAX)), more + ms + ' ms');
  } catch (error) {
    if (error.name !== 'AbortError') show(pre(String(error)), '');
  }
}
function show(element, note) { at('result').replaceChildren(element); at('note').textContent = note; }
function pre(text) { const element = document.createElement('pre'); element.textContent = text; return element; }
function table(meta, rows) {
  const element = document.createElement('table');
  const add = (row, tag, text, isNumber) => {
    const cell = document.createElement(tag);
    cell.textContent = text;
    if (isNumber) cell.className = 'number';
    row.append(cell);
  };
  const head = element.createTHead().insertRow();
  for (const { name, type } of meta) { add(head, 'th', name); head.lastChild.title = type; }
  const body = element.createTBody();
  for (const values of rows) {
    const row = body.insertRow();
    values.forEach((value, i) => add(row, 'td', value === null ? '∅' : typeof value === 'object' ? JSON.stringify(value) : value, /Int|Float|Decimal/.test(meta[i].type)));
  }
  return element;
}
at('form').addEventListener('submit', (event) => { event.preventDefault(); run(); });
at('query').addEventListener('keydown', (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run(); });`;

const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>eventlake</title><style>${STYLE}</style>
<form id="form"><textarea id="query" spellcheck="false" autofocus></textarea>
<button>Run (Ctrl-Enter)</button> <input id="user" placeholder="user" autocomplete="username">
<input id="password" type="password" placeholder="password" autocomplete="current-password"> <span id="note"></span></form>
<div id="result"></div><script>${SCRIPT}</script></html>
`;

const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const POLICY = [
  "default-src 'none'",
  `style-src ${digest(STYLE)}`,
  `script-src ${digest(SCRIPT)}`,
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/play`: a query, its result as a table, with the rights of whoever's name is given. Nothing comes from elsewhere. */
export function answerPlay(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/html; charset=UTF-8');
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.end(PAGE);
}

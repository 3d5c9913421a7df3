import { writeFileSync } from 'node:fs';

export interface Cost {
  events: number;
  seconds: number;
}

/** What a run costs however small it is, and what a million events cost: the straight line that fits best. */
export function costLine(costs: readonly Cost[]): { fixedSeconds: number; secondsPerMillion: number } {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const millions = costs.map(({ events }) => events / 1e6);
  const [x, y] = [mean(millions), mean(costs.map(({ seconds }) => seconds))];
  const slope =
    costs.reduce((sum, { seconds }, i) => sum + (millions[i]! - x) * (seconds - y), 0) /
    millions.reduce((sum, million) => sum + (million - x) ** 2, 0);
  return { fixedSeconds: y - slope * x, secondsPerMillion: slope };
}

const [WIDTH, HEIGHT] = [640, 400];
const [LEFT, RIGHT, TOP, BOTTOM] = [60, 20, 20, 50];
const COLORS = ['#2563eb', '#ea580c', '#6b7280'];

/** The curves as a picture, both axes logarithmic. */
export function plotCosts(file: string, curves: Readonly<Record<string, readonly Cost[]>>): void {
  const all = Object.values(curves).flat();
  const xs = ticks(all.map(({ events }) => events));
  const ys = ticks(all.map(({ seconds }) => seconds));
  const x = scale(xs, LEFT, WIDTH - RIGHT);
  const y = scale(ys, HEIGHT - BOTTOM, TOP);
  const text = (at: number, on: number, anchor: string, words: string) =>
    `<text x="${at}" y="${on}" text-anchor="${anchor}">${words}</text>`;
  const grid = [
    ...xs.map(
      (tick) =>
        `<path d="M${x(tick)} ${TOP}V${HEIGHT - BOTTOM}"/>${text(x(tick), HEIGHT - BOTTOM + 18, 'middle', short(tick))}`,
    ),
    ...ys.map(
      (tick) =>
        `<path d="M${LEFT} ${y(tick)}H${WIDTH - RIGHT}"/>${text(LEFT - 8, y(tick) + 4, 'end', `${tick} s`)}`,
    ),
  ];
  const lines = Object.entries(curves).map(([name, costs], i) => {
    const points = costs.map(({ events, seconds }) => `${x(events)},${y(seconds)}`);
    const dots = points.map(
      (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3"/>`,
    );
    const label = text(LEFT + 30, TOP + 20 + 18 * i, 'start', name);
    return `<g fill="${COLORS[i]}" stroke="${COLORS[i]}"><polyline fill="none" stroke-width="2" points="${points.join(' ')}"/>${dots.join('')}<path d="M${LEFT + 8} ${TOP + 16 + 18 * i}h16" stroke-width="2"/><g stroke="none">${label}</g></g>`;
  });
  writeFileSync(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>Seconds that raw landing, silver and gold take, by events</title>
<rect width="100%" height="100%" fill="white"/>
<g stroke="#e5e7eb">${grid.join('').replaceAll('<text', '<text stroke="none" fill="#374151"')}</g>
${lines.join('\n')}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, 'middle', 'events through raw landing, silver and gold')}
</svg>
`,
  );
}

/** 1, 2, 5, 10, … from below the smallest value to above the largest. */
function ticks(values: readonly number[]): number[] {
  const steps = [1, 2, 5];
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const from = Math.floor(Math.log10(min));
  const candidates = Array.from({ length: 30 }, (_, i) => steps[i % 3]! * 10 ** (from + Math.floor(i / 3)));
  const first = candidates.findLastIndex((tick) => tick <= min);
  const last = candidates.findIndex((tick) => tick >= max);
  return candidates.slice(first, Math.max(last, first + 1) + 1);
}

function scale(between: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(between[0]!), Math.log(between.at(-1)!)];
  return (value) => Math.round((from + ((Math.log(value) - low) / (high - low)) * (to - from)) * 10) / 10;
}

function short(count: number): string {
  return count >= 1e6 ? `${count / 1e6} M` : count >= 1e3 ? `${count / 1e3} k` : String(count);
}

export interface Family {
  help: string;
  type: string;
  samples: { labels: Record<string, string>; value: number }[];
}

/**
 * Prometheus's text format 0.0.4, strictly: a family's HELP and TYPE come once, before its samples, and every line is
 * understood.
 */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const comment = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      const family = families.get(name) ?? { help: '', type: '', samples: [] };
      const field = kind === 'HELP' ? 'help' : 'type';
      if (family[field] !== '' || family.samples.length > 0) throw new Error(`${name} comes twice`);
      family[field] = rest;
      families.set(name, family);
      continue;
    }
    const sample = /^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`not understood: ${line}`);
    const [, stem, suffix = '', labels = '', value] = sample;
    const histogram = families.get(stem!);
    const family = histogram?.type === 'histogram' ? histogram : families.get(stem! + suffix);
    if (family === undefined || family.type === '') throw new Error(`no TYPE before: ${line}`);
    if (Number.isNaN(Number(value)) && !/^[+-]?Inf|NaN$/.test(value!)) throw new Error(`no number: ${line}`);
    family.samples.push({ labels: labelsOf(labels), value: Number(value) });
  }
  return families;
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
  );
}

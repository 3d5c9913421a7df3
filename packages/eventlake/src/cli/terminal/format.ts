const NUMBER = new Intl.NumberFormat('en-US');

/** 1234567 → `1,234,567` */
export function formatCount(count: number | undefined): string {
  return count === undefined ? '–' : NUMBER.format(Math.round(count));
}

/** 1536 → `1.5 KiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** 65000 → `1m 5s` */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = durationMs / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (minutes < 60) return `${minutes}m ${Math.floor(seconds % 60)}s`;
  return hours < 24 ? `${hours}h ${minutes % 60}m` : `${days}d ${hours % 24}h`;
}

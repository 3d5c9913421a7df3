import type { Store } from '@eventlake/delta';

/**
 * A path in the store as Hadoop knows it. Hadoop takes it as it is, while our addresses are encoded: in a folder `a b`,
 * `%20` would be three characters.
 */
export function hadoopPath(store: Store, path: string): string {
  if (store.localPath) return `file://${store.localPath(path)}`;
  return `${store.url.replace(/^s3:/, 's3a:').replace(/\/$/, '')}/${path}`;
}

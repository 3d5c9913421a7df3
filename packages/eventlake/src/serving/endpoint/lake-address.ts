import { isAbsolute } from 'node:path';

/** Where the lakehouse is: an absolute path, or `s3://bucket/prefix` and how its store is reached. */
export interface LakeRoot {
  root: string;
  s3?: {
    endpoint?: string | undefined;
    region?: string | undefined;
    forcePathStyle?: boolean | undefined;
    /** Certificates to trust instead of the system's. */
    caFile?: string | undefined;
  };
}

export interface LakeAddress {
  /** ClickHouse's table engine. */
  engine: 'DeltaLakeLocal' | 'DeltaLake';
  /** A path or a URL, as that engine takes it. */
  base: string;
}

/** How ClickHouse names the place; a text where it cannot, with the reason. */
export function lakeAddress({ root, s3 = {} }: LakeRoot): LakeAddress | string {
  if (isAbsolute(root)) return { engine: 'DeltaLakeLocal', base: root };
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/*(.*?)\/*$/i.exec(root) ?? [];
  if (bucket === undefined) return 'only a lakehouse on this machine or on S3 can be read through ClickHouse';
  const end = prefix === '' ? '' : `/${prefix}`;
  if (s3.endpoint !== undefined) {
    const { protocol, host, pathname } = new URL(s3.endpoint);
    const path = pathname.replace(/\/+$/, '');
    const inPath = s3.forcePathStyle ?? true;
    const base = inPath ? `${host}${path}/${bucket}` : `${bucket}.${host}${path}`;
    return { engine: 'DeltaLake', base: `${protocol}//${base}${end}` };
  }
  // ClickHouse takes the region from the address, and has no other way to learn it.
  if (s3.region === undefined) return 'set s3.region, so that the lakehouse can be read through ClickHouse';
  const host = `s3.${s3.region}.amazonaws.com`;
  // A certificate holds for one name below the host, so that a bucket with a dot goes into the path.
  const base = bucket.includes('.') || s3.forcePathStyle ? `${host}/${bucket}` : `${bucket}.${host}`;
  return { engine: 'DeltaLake', base: `https://${base}${end}` };
}

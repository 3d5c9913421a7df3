/**
 * What the engine takes from its server configuration, because it cannot be told later: caches and pools for one
 * machine that does other things too, background threads that look around less often while nothing happens, and merges that
 * survive a power loss.
 */
export function serverConfig(folder: string, caFile?: string): string {
  const MiB = 1024 * 1024;
  return element('clickhouse', {
    users_config: `${folder}/users.xml`,
    user_files_path: `${folder}/user_files`,
    display_name: 'eventlake',
    memory_worker_period_ms: 1000,
    mark_cache_size: 128 * MiB,
    primary_index_cache_size: 64 * MiB,
    index_mark_cache_size: 16 * MiB,
    parquet_metadata_cache_size: 32 * MiB,
    vector_similarity_index_cache_size: MiB,
    text_index_tokens_cache_size: MiB,
    text_index_header_cache_size: MiB,
    text_index_postings_cache_size: MiB,
    query_condition_cache_size: 16 * MiB,
    compiled_expression_cache_size: 16 * MiB,
    max_thread_pool_size: 1000,
    max_thread_pool_free_size: 16,
    max_io_thread_pool_size: 16,
    max_io_thread_pool_free_size: 0,
    max_concurrent_queries: 0,
    // Each publication drops a table of its own; the default is to hold all those of eight minutes in memory.
    database_atomic_delay_before_drop_table_sec: 2,
    // chdb deletes parts as soon as they are merged, a server only after eight minutes: what they became must be on the disk.
    merge_tree: { min_rows_to_fsync_after_merge: 1 },
    ...(caFile !== undefined && {
      openSSL: { client: { caConfig: caFile, loadDefaultCAFile: 'false' } },
    }),
  });
}

/** Databases that readers see. */
const READABLE = ['realtime', 'gold', 'silver', 'bronze'];

/**
 * chdb has no CREATE USER, and one user for all: roles from this file, of which each connection sets one. The user has no
 * right of its own, so that SET ROLE takes the others away. chdb does not read `access_control_improvements`: every role
 * reads every system table, and the guard is what keeps readers from them.
 */
export function usersConfig(): string {
  const readerGrants = READABLE.map(
    (name) => `GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS, SELECT ON ${name}.*`,
  );
  return element('clickhouse', {
    profiles: {
      default: {
        session_timezone: 'UTC',
        delta_lake_reload_schema_for_consistency: 1,
        // A store that does not answer is an error soon; the default is 500 attempts.
        s3_retry_attempts: 5,
        // In parallel it holds back gigabytes of a wide result, and is no faster through a pipe.
        output_format_parallel_formatting: 0,
        // Looks at parts and keys a second time for each condition, to save reading what is small here anyway.
        optimize_use_implicit_projections: 0,
      },
    },
    quotas: { default: {} },
    roles: {
      reader: { grants: readerGrants.map((query) => ({ query })) },
      writer: { grants: { query: 'GRANT ALL ON *.*' } },
    },
    users: {
      default: {
        password: '',
        networks: { ip: '::/0' },
        profile: 'default',
        quota: 'default',
        grants: { query: 'GRANT reader, writer' },
      },
    },
  });
}

type Content = string | number | readonly Content[] | { readonly [name: string]: Content };

function element(name: string, content: Content, indent = ''): string {
  if (typeof content !== 'object') return `${indent}<${name}>${escaped(String(content))}</${name}>\n`;
  return `${indent}<${name}>\n${inner(content, `${indent}  `)}${indent}</${name}>\n`;
}

function inner(content: Content, indent: string): string {
  if (Array.isArray(content)) return content.map((part) => inner(part, indent)).join('');
  return Object.entries(content)
    .map(([key, value]) => element(key, value as Content, indent))
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * What the engine takes from its server configuration, because it cannot be told later: caches and pools for one
 * machine that does other things too, and background threads that look around less often while nothing happens.
 */
export function serverConfig(folder: string): string {
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
    dns_cache_update_period: 3600,
  });
}

export function usersConfig(): string {
  return element('clickhouse', {
    profiles: { default: { session_timezone: 'UTC', delta_lake_reload_schema_for_consistency: 1 } },
    quotas: { default: {} },
    users: {
      default: {
        password: '',
        networks: { ip: '::/0' },
        profile: 'default',
        quota: 'default',
      },
    },
  });
}

type Content = string | number | { readonly [name: string]: Content };

function element(name: string, content: Content, indent = ''): string {
  if (typeof content !== 'object') return `${indent}<${name}>${escaped(String(content))}</${name}>\n`;
  const inner = Object.entries(content).map(([key, value]) => element(key, value, `${indent}  `));
  return `${indent}<${name}>\n${inner.join('')}${indent}</${name}>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

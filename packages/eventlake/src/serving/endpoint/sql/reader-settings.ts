import type { EndpointLimits } from '../limits.js';

/** Settings that readers may choose: how results look and how they are computed, never how much they may cost. */
const ALLOWED = [
  /^output_format_(?!.*(?:parallel|schema|path|buffer|compression_level|row_group)).*$/,
  /^(?:date_time_output_format|date_time_input_format|session_timezone|bool_(?:true|false)_representation)$/,
  /^format_(?:csv|tsv|custom|regexp)_(?!.*(?:path|schema)).*$/,
  /^(?:join_use_nulls|joined_subquery_requires_alias|join_default_strictness|transform_null_in|final|union_default_mode)$/,
  /^(?:aggregate_functions_null_for_empty|group_by_use_nulls|prefer_column_name_to_alias|any_join_distinct_right_table_keys)$/,
  /^(?:extremes|totals_mode|max_columns_in_header|empty_result_for_aggregation_by_empty_set|count_distinct_implementation)$/,
  /^(?:limit|offset|result_overflow_mode|timeout_overflow_mode|cast_keep_nullable|data_type_default_nullable)$/,
  /^(?:enable_analyzer|allow_experimental_analyzer|optimize_read_in_order|use_query_cache|log_comment|use_client_time_zone)$/,
  /^(?:async_insert|wait_for_async_insert|insert_deduplicate|select_sequential_consistency|readonly_hint)$/,
  /^(?:http_.*|send_timeout|receive_timeout|connect_timeout|priority|log_queries|network_compression_method)$/,
  /^(?:compile_expressions|describe_compact_output|describe_include_subcolumns|show_table_uuid_.*)$/,
];

/** Bounds that readers may lower. */
const BOUNDS = [
  'max_execution_time',
  'max_estimated_execution_time',
  'max_memory_usage',
  'max_result_rows',
  'max_result_bytes',
  'max_rows_to_read',
  'max_bytes_to_read',
  'max_rows_to_group_by',
  'max_threads',
  'max_block_size',
] as const;

/** In a SQL `SETTINGS` clause. A bound there could be raised as well as lowered, so none is allowed. */
export function isReaderSetting(name: string): boolean {
  return ALLOWED.some((pattern) => pattern.test(name));
}

/**
 * A reader's settings from the URL with the bounds: a bound that was asked for counts where it is lower.
 * Undefined for a setting that readers may not choose.
 */
export function readerSettings(
  asked: ReadonlyMap<string, string>,
  limits: EndpointLimits['reader'],
): Map<string, string> | { refused: string } {
  const caps: Partial<Record<string, number>> = {
    max_execution_time: limits.executionSecondsMax,
    max_memory_usage: limits.memoryBytesMax,
    max_threads: limits.threadsMax,
    max_block_size: 65_409,
  };
  const settings = new Map<string, string>();
  for (const [name, value] of asked) {
    if (isReaderSetting(name)) settings.set(name, value);
    else if (!(BOUNDS as readonly string[]).includes(name)) {
      // Clients set it to say that they only read, and that they do.
      if (name !== 'readonly') return { refused: name };
    } else if (!(name in caps) && /^\d+$/.test(value)) settings.set(name, value);
  }
  for (const [name, cap] of Object.entries(caps)) {
    const wanted = Number(asked.get(name));
    settings.set(name, String(wanted > 0 && wanted < cap! ? wanted : cap));
  }
  return settings;
}

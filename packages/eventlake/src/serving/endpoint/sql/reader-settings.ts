import type { EndpointLimits } from '../limits.js';

/** Settings that readers may choose: how results look and how they are computed, never how much they may cost. */
const ALLOWED = [
  // How results look. A schema or a template would be a file.
  /^output_format_(?!.*(?:parallel|schema|path|buffer|compression_level|row_group|batch|max_)).*$/,
  /^format_(?:csv|tsv|custom)_(?!.*(?:path|schema)).*$/,
  /^input_format_(?!.*(?:parallel|schema|path|max_|bytes|threads)).*$/,
  /^(?:date_time_(?:input|output)_format|date_time_64_.*|date_time_overflow_behavior|interval_output_format)$/,
  /^(?:session_timezone|use_client_time_zone|bool_(?:true|false)_representation|print_pretty_type_names)$/,
  /^(?:show_create_query_identifier_quoting_.*|show_table_uuid_in_table_create_query_if_not_nil)$/,
  /^(?:describe_compact_output|describe_include_subcolumns|use_mysql_types_in_show_columns|extremes|totals_mode)$/,
  // What a query means.
  /^(?:join_use_nulls|join_default_strictness|join_algorithm|joined_subquery_requires_alias|group_by_use_nulls)$/,
  /^(?:any_join_distinct_right_table_keys|transform_null_in|final|limit|offset|prefer_column_name_to_alias)$/,
  /^(?:union|except|intersect)_default_mode$/,
  /^(?:aggregate_functions_null_for_empty|empty_result_for_aggregation_by_.*|count_distinct_implementation)$/,
  /^(?:cast_.*|formatdatetime_.*|parsedatetime_.*|type_json_.*|json_type_.*|variant_.*|dynamic_throw_.*|geo.*|h3.*)$/,
  /^(?:data_type_default_nullable|decimal_check_overflow|precise_float_parsing|least_greatest_legacy_null_behavior)$/,
  /^(?:function_(?:date_trunc|json_value|locate).*|splitby_.*|use_variant_.*|use_legacy_to_time|validate_polygons)$/,
  /^(?:enable|allow_experimental)_(?:analyzer|json_type|object_type|dynamic_type|variant_type|time_time64_type)$/,
  /^enable_(?:qbit_type|nullable_tuple_type|positional_arguments|order_by_all|unaligned_array_join)$/,
  /^enable_(?:named_columns_in_function_tuple|extended_results_for_datetime_functions)$/,
  /^enable_(?:global_with_statement|scopes_for_with_statement|optimize_predicate_expression)$/,
  /^allow_suspicious_(?:low_cardinality_types|types_in_group_by|types_in_order_by|variant_types)$/,
  // How it is computed.
  /^(?:optimize_.*|query_plan_(?!.*max).*|compile_.*|use_(?:query_cache|skip_indexes|primary_key|query_condition_cache))$/,
  // What clients say about themselves, or about inserts that a reader cannot do.
  /^(?:log_comment|log_queries|priority|http_.*|(?:send|receive|connect)_timeout|network_compression_method)$/,
  /^(?:result_overflow_mode|timeout_overflow_mode|async_insert|wait_for_async_insert|insert_deduplicate)$/,
  /^(?:select_sequential_consistency|apply_mutations_on_fly|database_replicated_ddl_output_mode)$/,
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

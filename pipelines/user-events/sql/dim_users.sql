SELECT user_id,
  CAST(sum(events) AS BIGINT) AS total_events,
  count(DISTINCT source) AS source_count,
  min(first_seen) AS first_seen,
  max(last_seen) AS last_seen
FROM user_sources
GROUP BY user_id

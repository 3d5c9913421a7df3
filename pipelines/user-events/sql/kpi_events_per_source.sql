SELECT event_date, source, CAST(sum(events) AS BIGINT) AS event_count
FROM day_source_types
GROUP BY event_date, source

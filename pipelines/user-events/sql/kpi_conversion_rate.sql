-- Purchases as a share of all events of the day.
SELECT event_date, purchases, total_events, CAST(purchases AS DOUBLE) / total_events AS conversion_rate
FROM (
  SELECT event_date,
    CAST(coalesce(sum(events) FILTER (WHERE event_type = 'purchase'), 0) AS BIGINT) AS purchases,
    CAST(sum(events) AS BIGINT) AS total_events
  FROM day_source_types
  GROUP BY event_date
) AS days

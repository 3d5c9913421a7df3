SELECT event_date, source, event_type, CAST(sum(events) AS BIGINT) AS events
FROM increments
GROUP BY event_date, source, event_type

-- How many events of each type came from each source on each day.
SELECT CAST(timestamp AS DATE) AS event_date, source, event_type, count(*) AS events
FROM events
GROUP BY CAST(timestamp AS DATE), source, event_type

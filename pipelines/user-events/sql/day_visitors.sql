-- Who was there on which day.
SELECT CAST(timestamp AS DATE) AS event_date, user_id
FROM events
WHERE user_id IS NOT NULL

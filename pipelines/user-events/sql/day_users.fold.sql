SELECT event_date, user_id, CAST(sum(events) AS BIGINT) AS events
FROM increments
GROUP BY event_date, user_id

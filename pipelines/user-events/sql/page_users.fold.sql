SELECT page, user_id, CAST(sum(events) AS BIGINT) AS events
FROM increments
GROUP BY page, user_id

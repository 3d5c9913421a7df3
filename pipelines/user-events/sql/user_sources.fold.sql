SELECT user_id, source, CAST(sum(events) AS BIGINT) AS events, min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM increments
GROUP BY user_id, source

-- How often each user came from each source, and from when to when.
SELECT user_id, source, count(*) AS events, min(timestamp) AS first_seen, max(timestamp) AS last_seen
FROM events
WHERE user_id IS NOT NULL
GROUP BY user_id, source

-- Daily active users.
SELECT event_date, CAST(sum(users) AS BIGINT) AS dau_count
FROM day_counts
GROUP BY event_date

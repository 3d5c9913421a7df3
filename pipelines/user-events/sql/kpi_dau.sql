-- Daily active users.
SELECT event_date, count(DISTINCT user_id) AS dau_count
FROM day_users
GROUP BY event_date

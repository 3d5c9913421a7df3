-- How active each user was on each day.
SELECT CAST(timestamp AS DATE) AS event_date, user_id, count(*) AS events
FROM events
WHERE user_id IS NOT NULL
GROUP BY CAST(timestamp AS DATE), user_id

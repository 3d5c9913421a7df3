-- Users that had not been there before on that day.
SELECT event_date, count(*) AS users
FROM new_day_visitors
GROUP BY event_date

SELECT event_date, CAST(sum(users) AS BIGINT) AS users
FROM increments
GROUP BY event_date

SELECT page, CAST(sum(events) AS BIGINT) AS events, CAST(sum(users) AS BIGINT) AS users
FROM increments
GROUP BY page

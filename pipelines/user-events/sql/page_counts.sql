-- Events of each page, and users that had not been there before. Events without a user count for the page, but as nobody.
SELECT page, CAST(sum(events) AS BIGINT) AS events, CAST(sum(users) AS BIGINT) AS users
FROM (
  SELECT page, 1 AS events, 0 AS users FROM events WHERE page IS NOT NULL
  UNION ALL
  SELECT page, 0 AS events, 1 AS users FROM new_page_visitors
) AS visits
GROUP BY page

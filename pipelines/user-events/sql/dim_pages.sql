-- The most visited page has rank 1; pages that are visited equally often share a rank.
SELECT page, total_events, unique_users,
  CAST(rank() OVER (ORDER BY total_events DESC) AS BIGINT) AS popularity_rank
FROM (
  SELECT page, CAST(sum(events) AS BIGINT) AS total_events, CAST(sum(users) AS BIGINT) AS unique_users
  FROM page_counts
  GROUP BY page
) AS pages

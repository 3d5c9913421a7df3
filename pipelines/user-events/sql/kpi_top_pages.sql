-- The hundred most visited pages, so that a dashboard's table stays small however many addresses there are.
SELECT page, total_events, unique_users,
  CAST(row_number() OVER (ORDER BY total_events DESC, page) AS BIGINT) AS popularity_rank
FROM dim_pages
ORDER BY total_events DESC, page
LIMIT 100

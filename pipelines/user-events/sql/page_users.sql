-- How often each user saw each page. Events without a user count for the page, but as nobody.
SELECT page, user_id, count(*) AS events
FROM events
WHERE page IS NOT NULL
GROUP BY page, user_id

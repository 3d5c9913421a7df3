-- Who has been on which page.
SELECT page, user_id
FROM events
WHERE page IS NOT NULL AND user_id IS NOT NULL

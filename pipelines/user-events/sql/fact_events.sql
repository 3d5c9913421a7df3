-- One row for each event of silver, with its day in UTC.
SELECT event_id, user_id, event_type, page, timestamp, source, processed_timestamp, log_batch, log_partition, log_offset,
  CAST(timestamp AS DATE) AS event_date
FROM events

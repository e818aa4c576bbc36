/* ---
description: Posts on an item so far.
entity: item
join_key: item
owner: test@shop.example
--- */
SELECT item, said_at AS event_timestamp, max(landed_at) OVER w AS created_timestamp, count(*) OVER w AS posts
FROM silver.posts WINDOW w AS (PARTITION BY item ORDER BY said_at)

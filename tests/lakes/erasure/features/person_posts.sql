/* ---
description: Posts so far.
entity: person
join_key: person_id
owner: test@shop.example
--- */
SELECT person_id, said_at AS event_timestamp, max(landed_at) OVER w AS created_timestamp, count(*) OVER w AS posts
FROM silver.posts WINDOW w AS (PARTITION BY person_id ORDER BY said_at)

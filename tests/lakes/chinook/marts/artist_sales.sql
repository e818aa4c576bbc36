/* ---
description: Tracks sold and revenue by artist and genre.
owner: data@chinook.example
grain: [artist_id, genre_id]
tags: [catalogue]
--- */
SELECT
  ar.artist_id,
  g.genre_id,
  any_value(ar.name) AS artist,
  any_value(g.name) AS genre,
  CAST(sum(l.quantity) AS BIGINT) AS sold_count,
  CAST(sum(l.unit_price_usd * l.quantity) AS DECIMAL(18, 2)) AS revenue_usd
FROM silver.invoice_lines AS l
INNER JOIN silver.tracks AS t ON t.track_id = l.track_id
INNER JOIN silver.albums AS al ON al.album_id = t.album_id
INNER JOIN silver.artists AS ar ON ar.artist_id = al.artist_id
INNER JOIN silver.genres AS g ON g.genre_id = t.genre_id
GROUP BY ar.artist_id, g.genre_id

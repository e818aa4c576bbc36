/* ---
description: Media that may be shown - those whose licence has not expired - with the product each belongs to.
owner: content@shop.example
grain: [media_id]
tags: [media]
columns:
  content_hash: SHA-256 of the file.
  expires_at: When the right to show it ends; null for never.
  is_expiring: Whether that is within 30 days.
--- */
SELECT
  m.media_id,
  m.kind,
  m.uri,
  m.source,
  m.license,
  m.content_hash,
  m.product_id,
  p.name AS product_name,
  p.category AS product_category,
  m.expires_at,
  coalesce(m.expires_at <= $as_of + INTERVAL 30 DAY, false) AS is_expiring
FROM silver.media_assets AS m
LEFT JOIN silver.products AS p ON p.product_id = m.product_id
WHERE m.expires_at IS NULL OR m.expires_at > $as_of

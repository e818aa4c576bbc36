/* ---
description: What each product brought in, discounts taken off - products that were never ordered included.
owner: data@northwind.example
grain: [product_id]
tags: [catalogue]
columns:
  revenue_usd: Price times quantity less discount, summed over all order lines and rounded at the end.
--- */
WITH lines AS (
  SELECT order_id, unnest(lines) AS line
  FROM silver.orders
),
sold AS (
  SELECT
    line.product_id AS product_id,
    count(DISTINCT order_id) AS order_count,
    sum(line.quantity) AS unit_count,
    sum(line.unit_price_usd * line.quantity * (1 - line.discount)) AS revenue_usd
  FROM lines
  GROUP BY line.product_id
)
SELECT
  p.product_id,
  p.name,
  c.name AS category,
  coalesce(sold.order_count, 0) AS order_count,
  CAST(coalesce(sold.unit_count, 0) AS BIGINT) AS unit_count,
  CAST(coalesce(sold.revenue_usd, 0) AS DECIMAL(18, 2)) AS revenue_usd
FROM silver.products AS p
LEFT JOIN silver.categories AS c ON c.category_id = p.category_id
LEFT JOIN sold ON sold.product_id = p.product_id

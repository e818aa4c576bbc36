/* ---
description: How each product sells and what people say of it - products that were never sold included.
owner: merchandising@shop.example
grain: [product_id]
tags: [products]
columns:
  sold_unit_count: Units in orders that are paid, shipped or delivered.
  revenue_eur: Value of those units at the price they were sold for.
  margin_eur: Revenue less today's cost of the units.
  returned_unit_count: Units in orders that were returned.
  buyer_count: Different customers who bought it.
  avg_rating: Mean rating, 1 to 5; null without reviews.
  conversation_count: Conversations that came to speak of it.
--- */
WITH lines AS (
  SELECT order_id, customer_id, status, ordered_at, unnest(lines) AS line
  FROM silver.orders
),
sold AS (
  SELECT
    line.product_id AS product_id,
    sum(line.quantity) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS sold_unit_count,
    sum(line.quantity * line.unit_price_eur) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS revenue_eur,
    sum(line.quantity) FILTER (WHERE status = 'returned') AS returned_unit_count,
    count(DISTINCT order_id) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS order_count,
    count(DISTINCT customer_id) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS buyer_count,
    max(ordered_at) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS last_sold_at
  FROM lines
  GROUP BY line.product_id
),
rated AS (
  SELECT product_id, count(*) AS review_count, avg(rating) AS avg_rating
  FROM silver.reviews
  GROUP BY product_id
),
discussed AS (
  SELECT product_id, count(DISTINCT conversation_id) AS conversation_count
  FROM silver.turns
  WHERE product_id IS NOT NULL
  GROUP BY product_id
)
SELECT
  p.product_id,
  p.name,
  p.category,
  p.brand,
  p.price_eur,
  p.stock_units AS stock_unit_count,
  p.is_active,
  coalesce(sold.order_count, 0) AS order_count,
  coalesce(sold.buyer_count, 0) AS buyer_count,
  CAST(coalesce(sold.sold_unit_count, 0) AS BIGINT) AS sold_unit_count,
  CAST(coalesce(sold.returned_unit_count, 0) AS BIGINT) AS returned_unit_count,
  CAST(coalesce(sold.revenue_eur, 0) AS DECIMAL(18, 2)) AS revenue_eur,
  CAST(coalesce(sold.revenue_eur - sold.sold_unit_count * p.cost_eur, 0) AS DECIMAL(18, 2)) AS margin_eur,
  sold.last_sold_at,
  coalesce(rated.review_count, 0) AS review_count,
  rated.avg_rating,
  coalesce(discussed.conversation_count, 0) AS conversation_count
FROM silver.products AS p
LEFT JOIN sold ON sold.product_id = p.product_id
LEFT JOIN rated ON rated.product_id = p.product_id
LEFT JOIN discussed ON discussed.product_id = p.product_id

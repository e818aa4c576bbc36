/* ---
description: Everything the business knows of a customer who has not left - one row each, without the person's identity.
owner: growth@shop.example
grain: [customer_id]
tags: [customers]
columns:
  customer_id: Pseudonym of the customer.
  customer_since_at: When the customer first signed up.
  revenue_eur: Value of orders that are paid, shipped or delivered.
  order_count: Orders of any status.
  sold_order_count: Orders that are paid, shipped or delivered.
  avg_order_value_eur: Revenue per sold order; null without one.
  last_order_at: When the last order was placed, whatever became of it.
  open_invoice_eur: What the customer still owes.
  avg_rating: Mean rating that the customer gave, 1 to 5.
  resolved_conversation_count: Conversations that ended resolved.
  granted_purposes: Purposes that the customer's latest consents allow, in order.
--- */
WITH bought AS (
  SELECT
    customer_id,
    count(*) AS order_count,
    count(*) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS sold_order_count,
    sum(total_eur) FILTER (WHERE status IN ('paid', 'shipped', 'delivered')) AS revenue_eur,
    max(ordered_at) AS last_order_at
  FROM silver.orders
  GROUP BY customer_id
),
owed AS (
  SELECT customer_id, sum(amount_eur) AS open_invoice_eur
  FROM silver.invoices
  WHERE status = 'open'
  GROUP BY customer_id
),
rated AS (
  SELECT customer_id, count(*) AS review_count, avg(rating) AS avg_rating
  FROM silver.reviews
  GROUP BY customer_id
),
talked AS (
  SELECT
    customer_id,
    count(*) AS conversation_count,
    count(*) FILTER (WHERE state = 'resolved') AS resolved_conversation_count,
    max(started_at) AS last_conversation_at
  FROM silver.conversations
  GROUP BY customer_id
),
consented AS (
  SELECT customer_id, list(purpose ORDER BY purpose) AS granted_purposes
  FROM (
    SELECT customer_id, purpose, granted
    FROM silver.consents
    QUALIFY row_number() OVER (PARTITION BY customer_id, purpose ORDER BY given_at DESC, consent_id DESC) = 1
  )
  WHERE granted
  GROUP BY customer_id
)
SELECT
  c.customer_id,
  c.segment,
  c.country,
  c.created_at AS customer_since_at,
  c.marketing_opt_in AS is_marketing_opt_in,
  coalesce(bought.order_count, 0) AS order_count,
  coalesce(bought.sold_order_count, 0) AS sold_order_count,
  CAST(coalesce(bought.revenue_eur, 0) AS DECIMAL(18, 2)) AS revenue_eur,
  CAST(bought.revenue_eur / nullif(bought.sold_order_count, 0) AS DECIMAL(18, 2)) AS avg_order_value_eur,
  bought.last_order_at,
  CAST(coalesce(owed.open_invoice_eur, 0) AS DECIMAL(18, 2)) AS open_invoice_eur,
  coalesce(rated.review_count, 0) AS review_count,
  rated.avg_rating,
  coalesce(talked.conversation_count, 0) AS conversation_count,
  coalesce(talked.resolved_conversation_count, 0) AS resolved_conversation_count,
  talked.last_conversation_at,
  coalesce(consented.granted_purposes, []) AS granted_purposes
FROM silver.customers AS c
LEFT JOIN bought ON bought.customer_id = c.customer_id
LEFT JOIN owed ON owed.customer_id = c.customer_id
LEFT JOIN rated ON rated.customer_id = c.customer_id
LEFT JOIN talked ON talked.customer_id = c.customer_id
LEFT JOIN consented ON consented.customer_id = c.customer_id
WHERE c.is_current

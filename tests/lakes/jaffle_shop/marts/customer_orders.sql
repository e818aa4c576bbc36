/* ---
description: Each customer with first and latest order and what they spent in all.
owner: data@jaffle-shop.example
grain: [customer_id]
tags: [customers]
--- */
WITH bought AS (
  SELECT
    customer_id,
    min(order_date) AS first_order_date,
    max(order_date) AS latest_order_date,
    count(*) AS order_count,
    sum(amount_usd) AS lifetime_value_usd
  FROM gold.order_payments
  GROUP BY customer_id
)
SELECT
  c.customer_id,
  bought.first_order_date,
  bought.latest_order_date,
  bought.order_count,
  CAST(bought.lifetime_value_usd AS DECIMAL(18, 2)) AS lifetime_value_usd
FROM silver.customers AS c
LEFT JOIN bought ON bought.customer_id = c.customer_id

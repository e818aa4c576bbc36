/* ---
description: How often each customer ordered and how late their orders left - customers without orders included.
owner: data@northwind.example
grain: [customer_id]
tags: [sales]
--- */
SELECT
  c.customer_id,
  any_value(c.country) AS country,
  count(o.order_id) AS order_count,
  count(o.order_id) FILTER (WHERE o.shipped_at IS NULL) AS waiting_count,
  count(o.order_id) FILTER (WHERE o.shipped_at > o.required_at) AS late_count,
  CAST(coalesce(sum(o.freight_usd), 0) AS DECIMAL(18, 2)) AS freight_usd,
  max(o.ordered_at) AS last_order_at
FROM silver.customers AS c
LEFT JOIN silver.orders AS o ON o.customer_id = c.customer_id
GROUP BY c.customer_id

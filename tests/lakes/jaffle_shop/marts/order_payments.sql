/* ---
description: Each order with what was paid by each means of payment.
owner: data@jaffle-shop.example
grain: [order_id]
tags: [finance]
--- */
WITH paid AS (
  SELECT
    order_id,
    coalesce(sum(amount_cents) FILTER (WHERE payment_method = 'credit_card'), 0) AS credit_card,
    coalesce(sum(amount_cents) FILTER (WHERE payment_method = 'coupon'), 0) AS coupon,
    coalesce(sum(amount_cents) FILTER (WHERE payment_method = 'bank_transfer'), 0) AS bank_transfer,
    coalesce(sum(amount_cents) FILTER (WHERE payment_method = 'gift_card'), 0) AS gift_card,
    sum(amount_cents) AS amount
  FROM silver.payments
  GROUP BY order_id
)
SELECT
  o.order_id,
  o.customer_id,
  o.order_date,
  o.status,
  CAST(paid.credit_card / 100 AS DECIMAL(18, 2)) AS credit_card_usd,
  CAST(paid.coupon / 100 AS DECIMAL(18, 2)) AS coupon_usd,
  CAST(paid.bank_transfer / 100 AS DECIMAL(18, 2)) AS bank_transfer_usd,
  CAST(paid.gift_card / 100 AS DECIMAL(18, 2)) AS gift_card_usd,
  CAST(paid.amount / 100 AS DECIMAL(18, 2)) AS amount_usd
FROM silver.orders AS o
LEFT JOIN paid ON paid.order_id = o.order_id

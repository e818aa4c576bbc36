/* ---
name: customer_features
description: >-
  How much and when a customer has bought, as of each moment at which that changed: an order was placed, or an
  order was cancelled or returned.
owner: growth@shop.example
grain: [customer_id, event_timestamp]
tags: [customers, orders]
entity: customer
join_key: customer_id
--- */
-- A ledger of signed entries: an order counts from the moment it was placed, and no longer counts from the moment it
-- was cancelled or returned (its last change; the shop's other changes of status move no money). Running sums over
-- the ledger give every state the customer was ever in. Placing an order is activity even if it comes to nothing, so
-- last_order_at stays.
WITH ledger AS (
    SELECT customer_id, ordered_at AS moment, 1 AS orders, total_eur AS spent, ordered_at AS placed_at, landed_at
    FROM silver.orders
    UNION ALL
    SELECT customer_id, greatest(updated_at, ordered_at), -1, -total_eur, NULL, landed_at
    FROM silver.orders
    WHERE status IN ('cancelled', 'returned')
), moments AS (
    SELECT
        customer_id,
        moment,
        sum(orders) AS orders,
        sum(spent) AS spent,
        max(placed_at) AS placed_at,
        max(landed_at) AS landed_at
    FROM ledger
    WHERE customer_id IS NOT NULL AND moment IS NOT NULL
    GROUP BY customer_id, moment
)
SELECT
    customer_id,
    moment AS event_timestamp,
    max(landed_at) OVER so_far AS created_timestamp,
    CAST(sum(orders) OVER so_far AS BIGINT) AS total_orders,
    CAST(sum(spent) OVER so_far AS DOUBLE) AS total_spent,
    CAST(sum(spent) OVER so_far AS DOUBLE) / nullif(sum(orders) OVER so_far, 0) AS avg_order_value,
    max(placed_at) OVER so_far AS last_order_at
FROM moments
WINDOW so_far AS (PARTITION BY customer_id ORDER BY moment)

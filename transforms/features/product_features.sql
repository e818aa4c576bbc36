/* ---
name: product_features
description: >-
  Units and revenue that a product sold in the 30 days before each moment, and its average rating so far, as of each
  moment at which one of them changed: a sale, a sale that left the window or was undone, a review.
owner: merchandising@shop.example
grain: [product_id, event_timestamp]
tags: [products, orders, reviews]
entity: product
join_key: product_id
--- */
-- A ledger of signed entries: a sale enters when it was ordered and leaves 30 days later, or earlier if the order was
-- cancelled or returned. Leavings that are not due yet ($as_of) are kept back: a later sale would change them all.
WITH sales AS (
    SELECT
        line.product_id,
        o.ordered_at,
        least(
            o.ordered_at + INTERVAL 720 HOURS,
            CASE WHEN o.status IN ('cancelled', 'returned') THEN greatest(o.updated_at, o.ordered_at) END
        ) AS left_at,
        line.quantity AS units,
        line.quantity * line.unit_price_eur AS revenue,
        o.landed_at
    FROM silver.orders AS o, unnest(o.lines) AS lines(line)
), ledger AS (
    SELECT product_id, ordered_at AS moment, TRUE AS due, units, revenue, 0 AS stars, 0 AS ratings, landed_at FROM sales
    UNION ALL
    SELECT product_id, left_at, left_at <= $as_of, -units, -revenue, 0, 0, landed_at FROM sales
    UNION ALL
    SELECT product_id, reviewed_at, TRUE, 0, 0, rating, 1, landed_at FROM silver.reviews WHERE rating IS NOT NULL
), moments AS (
    SELECT
        product_id,
        moment,
        bool_or(due) AS due,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(stars) AS stars,
        sum(ratings) AS ratings,
        max(landed_at) AS landed_at
    FROM ledger
    WHERE product_id IS NOT NULL AND moment IS NOT NULL
    GROUP BY product_id, moment
)
SELECT
    product_id,
    moment AS event_timestamp,
    max(landed_at) OVER so_far AS created_timestamp,
    CAST(sum(units) OVER so_far AS BIGINT) AS sales_last_30d,
    CAST(sum(revenue) OVER so_far AS DOUBLE) AS revenue_last_30d,
    CAST(sum(stars) OVER so_far AS DOUBLE) / nullif(sum(ratings) OVER so_far, 0) AS avg_rating
FROM moments
WINDOW so_far AS (PARTITION BY product_id ORDER BY moment)
QUALIFY due

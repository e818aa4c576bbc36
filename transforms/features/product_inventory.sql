/* ---
name: product_inventory
description: >-
  Units in stock as the shop last reported them. The level is good for one hour after the report: a view of its own,
  since Feast keeps one time to live for a view.
owner: merchandising@shop.example
grain: [product_id, event_timestamp]
tags: [products, stock]
entity: product
join_key: product_id
--- */
-- One row for each report that is still known (every version of a product, superseded ones included). A source that
-- wants the level of a slow seller to stay servable reports it again with a new updated_at, changed or not.
SELECT
    product_id,
    updated_at AS event_timestamp,
    max(landed_at) AS created_timestamp,
    CAST(arg_max(stock_units, (landed_at, lineage_id)) AS BIGINT) AS inventory_level
FROM silver.products_records
WHERE product_id IS NOT NULL AND updated_at IS NOT NULL AND change_op = 'upsert'
GROUP BY product_id, updated_at

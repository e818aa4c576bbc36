/* ---
description: Revenue by kind of product, and its share of all revenue.
owner: data@northwind.example
grain: [category]
tags: [catalogue]
--- */
SELECT
  category,
  CAST(sum(revenue_usd) AS DECIMAL(18, 2)) AS revenue_usd,
  sum(revenue_usd) / (SELECT sum(revenue_usd) FROM gold.revenue_by_product) AS share
FROM gold.revenue_by_product
GROUP BY category

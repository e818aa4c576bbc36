/* ---
description: What was sold by year, and how that compares with the year before.
owner: data@chinook.example
grain: [year]
tags: [finance]
--- */
WITH years AS (
  SELECT CAST(year(invoiced_at AT TIME ZONE 'UTC') AS INTEGER) AS year, sum(total_usd) AS revenue_usd
  FROM gold.invoice_totals
  GROUP BY ALL
)
SELECT
  year,
  CAST(revenue_usd AS DECIMAL(18, 2)) AS revenue_usd,
  CAST(revenue_usd - lag(revenue_usd) OVER (ORDER BY year) AS DECIMAL(18, 2)) AS growth_usd
FROM years

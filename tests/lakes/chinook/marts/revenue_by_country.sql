/* ---
description: What was sold by country of billing.
owner: data@chinook.example
grain: [country]
tags: [finance]
columns:
  invoice_count: Invoices billed to the country.
  customer_count: Customers billed there.
  revenue_usd: Sum of those invoices.
--- */
SELECT
  billing_country AS country,
  count(*) AS invoice_count,
  count(DISTINCT customer_id) AS customer_count,
  CAST(sum(total_usd) AS DECIMAL(18, 2)) AS revenue_usd
FROM silver.invoices
GROUP BY billing_country

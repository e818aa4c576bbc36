/* ---
description: Each invoice with the sum of its lines beside its total.
owner: data@chinook.example
grain: [invoice_id]
tags: [finance]
--- */
WITH lines AS (
  SELECT invoice_id, count(*) AS line_count, sum(unit_price_usd * quantity) AS lines_usd
  FROM silver.invoice_lines
  GROUP BY invoice_id
)
SELECT
  i.invoice_id,
  i.customer_id,
  i.invoiced_at,
  i.total_usd,
  coalesce(lines.line_count, 0) AS line_count,
  coalesce(lines.lines_usd, 0) = i.total_usd AS is_balanced
FROM silver.invoices AS i
LEFT JOIN lines ON lines.invoice_id = i.invoice_id

/* ---
description: Money by UTC day - what was invoiced on it and how that stands today, and what was paid on it.
owner: finance@shop.example
grain: [day]
tags: [finance]
columns:
  day: Day of issue or payment (UTC).
  invoice_count: Invoices issued on the day, void ones included.
  invoiced_eur: Amount of invoices issued on the day that are not void.
  tax_eur: Tax in that amount.
  open_eur: Part of the invoiced amount that is still unpaid.
  void_eur: Amount of invoices issued on the day that were made void.
  payment_count: Invoices paid on the day, whenever issued.
  paid_eur: Amount paid on the day.
--- */
WITH moves AS (
  SELECT
    CAST(issued_at AT TIME ZONE 'UTC' AS DATE) AS day,
    1 AS invoices,
    CASE WHEN status <> 'void' THEN amount_eur ELSE 0 END AS invoiced,
    CASE WHEN status <> 'void' THEN tax_eur ELSE 0 END AS tax,
    CASE WHEN status = 'open' THEN amount_eur ELSE 0 END AS still_open,
    CASE WHEN status = 'void' THEN amount_eur ELSE 0 END AS voided,
    0 AS payments,
    0 AS paid
  FROM silver.invoices
  WHERE issued_at IS NOT NULL
  UNION ALL
  SELECT CAST(paid_at AT TIME ZONE 'UTC' AS DATE), 0, 0, 0, 0, 0, 1, amount_eur
  FROM silver.invoices
  WHERE status = 'paid' AND paid_at IS NOT NULL
)
SELECT
  day,
  CAST(sum(invoices) AS BIGINT) AS invoice_count,
  CAST(sum(invoiced) AS DECIMAL(18, 2)) AS invoiced_eur,
  CAST(sum(tax) AS DECIMAL(18, 2)) AS tax_eur,
  CAST(sum(still_open) AS DECIMAL(18, 2)) AS open_eur,
  CAST(sum(voided) AS DECIMAL(18, 2)) AS void_eur,
  CAST(sum(payments) AS BIGINT) AS payment_count,
  CAST(sum(paid) AS DECIMAL(18, 2)) AS paid_eur
FROM moves
GROUP BY day

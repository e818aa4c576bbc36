/* ---
description: What all owe.
grain: [currency]
owner: test@shop.example
--- */
SELECT 'EUR' AS currency, sum(amount) AS amount, count(*) AS bills FROM silver.bills

/* ---
description: What the customers of each support representative spent, representatives without customers included.
owner: data@chinook.example
grain: [employee_id]
tags: [people]
--- */
SELECT
  e.employee_id,
  any_value(e.title) AS title,
  count(DISTINCT c.customer_id) AS customer_count,
  CAST(coalesce(sum(i.total_usd), 0) AS DECIMAL(18, 2)) AS revenue_usd
FROM silver.employees AS e
LEFT JOIN silver.customers AS c ON c.support_rep_id = e.employee_id
LEFT JOIN silver.invoices AS i ON i.customer_id = c.customer_id
GROUP BY e.employee_id

/* ---
description: What people owe.
grain: [person_id]
owner: test@shop.example
--- */
SELECT person_id, sum(amount) AS amount FROM silver.bills WHERE person_id IS NOT NULL GROUP BY person_id

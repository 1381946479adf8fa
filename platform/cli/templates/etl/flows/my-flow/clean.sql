-- Makes the rows that are written of "input", the rows of one object of the source: each order once, with a day and an
-- amount. What cannot be read is left out; the flow counts how many rows that are.
WITH orders AS (
  SELECT
    CAST(id AS VARCHAR) AS id,
    TRY_CAST(day AS DATE) AS day,
    trim(CAST(shop AS VARCHAR)) AS shop,
    TRY_CAST(amount AS DECIMAL(12, 2)) AS amount
  FROM input
)
SELECT DISTINCT *
FROM orders
WHERE id IS NOT NULL AND day IS NOT NULL AND amount IS NOT NULL
ORDER BY day, id

-- What a schema holds, a line each, in words that no version of PostgreSQL puts in another way.
WITH ours AS (SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = to_regnamespace($1)::oid)
SELECT 'table ' || relname FROM ours WHERE relkind = 'r'
UNION ALL
SELECT 'other ' || relname FROM ours WHERE relkind NOT IN ('r', 'i')
UNION ALL
SELECT concat_ws(' ', 'column', relname || '.' || attname, format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'not null' END, 'collated ' || nullif(collname, 'default'))
FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
WHERE relkind = 'r'
UNION ALL
SELECT concat_ws(' ', 'index', ours.relname, 'of', heap.relname,
    (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = indexrelid),
    CASE WHEN indisunique THEN 'unique' END, CASE WHEN indpred IS NOT NULL THEN 'partial' END,
    CASE WHEN NOT indisvalid THEN 'invalid' END)
FROM ours JOIN pg_index ON indexrelid = ours.oid JOIN pg_class AS heap ON heap.oid = indrelid
UNION ALL
SELECT concat_ws(' ', 'constraint', conname, 'of', relname, contype, CASE WHEN NOT convalidated THEN 'not valid' END)
FROM ours JOIN pg_constraint ON conrelid = ours.oid WHERE contype IN ('p', 'u', 'c', 'f', 'x')
UNION ALL
SELECT concat_ws(' ', 'trigger', tgname, 'of', relname, 'calls', proname, CASE WHEN tgenabled <> 'O' THEN 'disabled' END)
FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal JOIN pg_proc ON pg_proc.oid = tgfoid
UNION ALL
SELECT concat_ws(' ', 'function', proname || '(' || pg_get_function_identity_arguments(oid) || ')',
    encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'))
FROM pg_proc WHERE pronamespace = to_regnamespace($1)::oid
ORDER BY 1

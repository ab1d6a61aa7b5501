-- What the specs look at: the transactions of a slot as text, without the
-- numbers that differ from run to run.
CREATE FUNCTION decoded(slot text DEFAULT 'iso') RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT regexp_replace(
		regexp_replace(etf_to_text(data), '^\{tx,whole,\{[^}]*\},0,', '{'),
		'\m[1-9]\d{4,}\M', 'N', 'g')
	FROM pg_logical_slot_get_binary_changes(slot::name, NULL, NULL,
		'dialect', 'compact', 'rows', 'tuple') $$;

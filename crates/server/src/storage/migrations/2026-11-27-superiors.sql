-- Who is below whom, looked for at every exchange.
CREATE INDEX person_by_superior ON person (json_extract(body, '$.superior')) WHERE json_extract(body, '$.superior') IS NOT NULL;

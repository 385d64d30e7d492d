CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind INTEGER, price REAL, note BLOB);
CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
INSERT INTO kind WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)
  SELECT i, 'kind ' || hex(i * 7919) FROM n;
BEGIN;
INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  SELECT i, printf('item-%06d-%s', (i * 7919) % 20011, hex(i * i)), (i * 31) % 50, i / 7.0,
         zeroblob((i * 13) % 200) FROM n;
COMMIT;
CREATE INDEX by_name ON item (name);
CREATE INDEX by_kind ON item (kind, price DESC);
CREATE INDEX of_dear ON item (price) WHERE price > 2000;
ANALYZE;
SELECT k.name, count(*), sum(i.price), max(i.name) FROM item i JOIN kind k ON k.id = i.kind
  GROUP BY k.id ORDER BY k.name;
SELECT a.id, b.id FROM item a JOIN item b ON b.name > a.name AND b.id = a.id + 17 WHERE a.kind = 5
  ORDER BY a.name LIMIT 50;
SELECT id, price, row_number() OVER (PARTITION BY kind ORDER BY price DESC) AS place,
       sum(length(note)) OVER (ORDER BY id ROWS 10 PRECEDING) FROM item ORDER BY place, id LIMIT 100;
SELECT json_group_array(json_object('id', id, 'name', name)) FROM (SELECT * FROM item LIMIT 300);
SELECT json_extract('{"a": [1, 2, {"b": "c"}]}', '$.a[2].b'), value
  FROM json_each('[10, "x", null, {"y": [1, 2]}]');
SELECT group_concat(name, '|') FROM (SELECT name FROM item ORDER BY name DESC LIMIT 500);
UPDATE item SET note = zeroblob(3000), name = name || '-changed' WHERE id % 17 = 0;
DELETE FROM item WHERE kind IN (SELECT id FROM kind WHERE id % 5 = 0);
SAVEPOINT here;
DELETE FROM item;
ROLLBACK TO here;
RELEASE here;
SELECT count(*), sum(length(note)), min(name), max(name) FROM item;
WITH RECURSIVE path(id, words) AS (SELECT 1, '1' UNION ALL SELECT id * 3 % 10007, substr(words || '-' || id, -400)
  FROM path LIMIT 3000) SELECT max(words), count(*) FROM path;
SELECT DISTINCT substr(name, 1, 9) AS start FROM item ORDER BY start DESC LIMIT 40;
PRAGMA integrity_check;
VACUUM INTO 'packed.db';
.dump kind

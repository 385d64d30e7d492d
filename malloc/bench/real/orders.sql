-- Orders in SQL: tables, indexes, joins, groups, windows, JSON, updates and deletions.
--
-- Stands for a database inside a program: pages, cells and registers of the virtual machine come from malloc.
-- The table `amount` has the percent of the work; the result is a checksum.

create table customer(id integer primary key, name text, town text);
create table item(id integer primary key, name text, price integer);
create table sale(id integer primary key, customer integer, item integer, pieces integer, note text);

-- A linear congruential generator: Knuth, "Seminumerical Algorithms", 3.2.1.
create table number as
  with recursive next(i, r) as (
    select 1, 12345
    union all
    select i + 1, (r * 1103515245 + 12345) & 0x7fffffff from next, amount where i < percent * 1200
  )
  select i, r >> 7 as r from next;

insert into customer
  select i, printf('customer %d of %s', i, hex(r)), printf('town %d', r % 300) from number where i <= 5000;
insert into item select i, printf('item %x with a longer name, %d', r, i), 1 + r % 900 from number where i <= 2000;
insert into sale
  select i, 1 + r % 5000, 1 + (r / 5000) % 2000, 1 + r % 9, substr(printf('%x%x%x', r, r * 7, r * 13), 1, r % 24)
  from number;
create index sale_by_customer on sale(customer, item);
create index customer_by_town on customer(town);

create table summary as
  select town, item.name as item, sum(pieces * price) as total, group_concat(note, ',') as notes
  from sale join customer on customer.id = sale.customer join item on item.id = sale.item
  group by town, item.name;
update sale set note = note || '-' || (select name from item where item.id = sale.item) where id % 3 = 0;
delete from sale where customer % 7 = 0;
create table latest as
  select customer, item, pieces,
    sum(pieces) over (partition by customer order by id rows between 5 preceding and current row) as lately
  from sale;
create table packed as
  select customer, json_group_array(json_object('item', item, 'pieces', pieces, 'note', note)) as list
  from sale group by customer;
create table unpacked as
  select customer, count(*) as many, sum(json_extract(value, '$.pieces')) as pieces
  from packed, json_each(packed.list) group by customer;

select 'checksum ' || printf('%x',
  (select sum(total) + sum(length(notes)) from summary) * 31
  + (select sum(lately * (customer % 97)) from latest)
  + (select sum(pieces * (customer % 89)) + sum(many) from unpacked)
  + (select sum(length(note)) from sale));

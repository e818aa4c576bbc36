"""SQL that an agent might be talked into, by kind: none of it may change, read or stop anything beyond its own answer.

``REFUSED`` is told off; ``CONTAINED`` may fail or answer, within its limits, and leaves the server as it was. FILE, PARQUET
and FOLDER stand for real places.
"""

# ruff: noqa: E501

WRITES = [
    "create table t (a int)", "create or replace table gold.daily_cash as select 1", "create temp table t as select 1",
    "create view v as select 1", "create or replace view gold.daily_cash as select 1 as a", "create schema evil",
    "create macro f(a) as a + 1", "create macro search(a) as table select 1", "create or replace macro sum(a) as 0",
    "create sequence s", "create type mood as enum ('sad')", "create index i on gold.daily_cash (day)",
    "create secret s (type s3, key_id 'a', secret 'b')", "create persistent secret s (type s3)",
    "drop view gold.daily_cash", "drop schema gold cascade", "alter view gold.daily_cash rename to x",
    "insert into gold.daily_cash select * from gold.daily_cash", "update gold.daily_cash set day = null",
    "delete from gold.daily_cash", "truncate gold.daily_cash", "merge into gold.daily_cash using (select 1) on true when matched then delete",
    "with x as (select 1) insert into gold.daily_cash select * from x", "comment on view gold.daily_cash is 'owned'",
    "begin; drop view gold.daily_cash; commit", "begin transaction", "commit", "rollback", "analyze", "vacuum", "vacuum analyze",
    "checkpoint", "force checkpoint", "select nextval('s')", "select currval('s')", "select write_log('x')",
]  # fmt: skip
COPIES = [
    "copy (select 1) to 'FOLDER/out.csv'", "copy gold.daily_cash to 'FOLDER/out.parquet' (format parquet)",
    "copy gold.daily_cash from 'FILE'", "copy (select * from silver.customers) to '/dev/stdout'",
    "copy (select 1) to '/dev/tcp/127.0.0.1/80'", "export database 'FOLDER'", "import database 'FOLDER'",
    "copy database memory to other", "copy (from read_text('FILE')) to 'FOLDER/x'",
    "copy (select 1) to 'FOLDER/x' (format csv, use_tmp_file false)",
]  # fmt: skip
ATTACHES = [
    "attach 'FOLDER/x.db'", "attach ':memory:' as other", "attach 'FILE' as f (type sqlite)",
    "attach 'dbname=postgres' as pg (type postgres)", "attach 'https://example.org/x.db'", "attach if not exists 'FOLDER/y.db' as y",
    "detach memory", "use memory.main", "use other", "install httpfs", "install sqlite from community",
    "force install json", "load httpfs", "load 'FOLDER/evil.duckdb_extension'", "update extensions",
    "install 'FOLDER/evil.duckdb_extension'",
]  # fmt: skip
SETTINGS = [
    "set enable_external_access = true", "set global enable_external_access = true", "set memory_limit = '100GB'",
    "set threads = 64", "set lock_configuration = false", "set allowed_directories = ['/']", "set allowed_paths = ['FILE']",
    "set temp_directory = 'FOLDER'", "set python_enable_replacements = true", "set home_directory = '/'",
    "set extension_directory = 'FOLDER'", "set allow_unsigned_extensions = true", "set log_query_path = 'FOLDER/log'",
    "set profiling_output = 'FOLDER/p'", "pragma enable_profiling", "pragma memory_limit = '100GB'", "pragma threads = 64",
    "pragma database_list", "pragma show_tables", "pragma table_info('gold.daily_cash')", "pragma version", "pragma platform",
    "pragma enable_object_cache", "pragma import_database('FOLDER')", "reset memory_limit", "reset all", "set variable a = 1",
    "set schema = 'gold'", "set search_path = 'gold'", "set timezone = 'Asia/Tokyo'", "call pragma_version()",
    "call enable_logging()", "call force_checkpoint()", "set logging_storage = 'file'", "set custom_user_agent = 'x'",
]  # fmt: skip
FILES = [
    "select * from read_text('FILE')", "select * from read_blob('FILE')", "select * from read_csv('FILE')",
    "select * from read_csv_auto('FILE')", "select * from read_json('FILE')", "select * from read_json_auto('FILE')",
    "select * from read_json_objects('FILE')", "select * from read_ndjson('FILE')", "select * from read_ndjson_objects('FILE')",
    "select * from read_parquet('PARQUET')", "select * from read_parquet(['PARQUET'])", "select * from parquet_scan('PARQUET')",
    "select * from parquet_metadata('PARQUET')", "select * from parquet_schema('PARQUET')",
    "select * from parquet_file_metadata('PARQUET')", "select * from parquet_kv_metadata('PARQUET')",
    "select * from parquet_bloom_probe('PARQUET', 'a', 1)", "select * from sniff_csv('FILE')", "select * from glob('FOLDER/*')",
    "select * from glob('/**')", "select * from 'FILE'", "select * from 'PARQUET'", "select * from \"FILE\"",
    "select * from 'FOLDER/*.parquet'", "select * from '/etc/passwd'", "select * from 'https://example.org/x.parquet'",
    "select * from read_text('/proc/self/environ')", "select * from read_text('/proc/1/cmdline')",
    "select * from read_csv('/dev/stdin')", "select * from read_csv('s3://bucket/key')", "select * from read_text('file:///etc/passwd')",
    "select * from read_parquet('PARQUET', filename = true)", "select * from sqlite_scan('FILE', 't')",
    "select * from postgres_scan('host=127.0.0.1', 'public', 't')", "select * from mysql_scan('', '', '')",
    "select * from delta_scan('FOLDER')", "select * from iceberg_scan('FOLDER')", "select * from st_read('FILE')",
    "select * from read_xlsx('FILE')", "select * from read_avro('FILE')", "select (select content from read_text('FILE'))",
    "select * from (select * from read_text('FILE'))", "with x as (from read_text('FILE')) select * from x",
    "with x as materialized (from read_text('FILE')) from x", "select 1 union all select length(content) from read_text('FILE')",
    "select * from gold.daily_cash where exists (from read_text('FILE'))", "select 1 order by (select size from read_text('FILE'))",
    "select * from range(1), lateral (select * from read_text('FILE'))", "from gold.daily_cash semi join read_text('FILE') on true",
    "select * from (values ((select content from read_text('FILE')))) t(a)", "select * from SYSTEM.MAIN.read_text('FILE')",
    "select * from read_duckdb('FILE')", "select count(*) filter (where (from read_text('FILE') select true)) from range(3)",
]  # fmt: skip
LOOKS = [
    "select getenv('CENOTE_ROOT_KEY')", "select getenv('HOME')", "select current_setting('allowed_paths')",
    "select getvariable('a')", "select current_database()", "select version()",
    "select current_query()", "select current_schemas(true)", "from duckdb_settings()", "from duckdb_secrets()",
    "from duckdb_functions()", "from duckdb_views()", "from duckdb_tables()", "from duckdb_columns()", "from duckdb_databases()",
    "from duckdb_extensions()", "from duckdb_logs", "from duckdb_logs()", "from duckdb_temporary_files()", "from duckdb_memory()",
    "from duckdb_variables()", "from duckdb_dependencies()", "from duckdb_types()", "from duckdb_optimizers()",
    "from information_schema.tables", "from information_schema.columns", "from pg_catalog.pg_class", "from pg_class",
    "from pg_catalog.pg_settings", "from sqlite_master", "from sqlite_schema", "from pragma_table_info('gold.daily_cash')",
    "from pragma_storage_info('x')", "from pragma_database_size()", "from pragma_metadata_info()", "from pragma_user_agent()",
    "show tables", "show all tables", "show databases", "describe gold.daily_cash", "summarize gold.daily_cash",
    "select * from (describe gold.daily_cash)", "select * from (show tables)", "explain select 1", "explain analyze select 1",
    "from which_secret('s3://a', 's3')", "select in_search_path('memory', 'main')", "select pg_get_viewdef(1)",
    "select has_table_privilege('gold.daily_cash', 'select')", "from meta.commits", "from bronze.nothing",
]  # fmt: skip
INDIRECT = [
    "from query('select 1')", "from query('from read_text(''FILE'')')", "from query_table('gold.daily_cash')",
    "from query_table(['gold.daily_cash'])", "from query('copy (select 1) to ''FOLDER/x''')",
    "select json_execute_serialized_sql('{}')", "from json_execute_serialized_sql(json_serialize_sql('from read_text(''FILE'')'))",
    "select json_serialize_sql('select 1')", "select json_deserialize_sql('{}')", "select json_serialize_plan('select 1')",
    "from sql_auto_complete('sel')", "from python_map_function()", "from pandas_scan(1)", "from arrow_scan(1, 2, 3)",
    "from arrow_scan_dumb(1, 2, 3)", "from seq_scan('gold.daily_cash')", "from request", "from connection", "from pipe", "from table_that_is_not",
    "execute q", "prepare q as select 1", "deallocate q", "prepare q as copy (select 1) to 'FOLDER/x'",
    "from summary((from gold.daily_cash))", "from checkpoint()", "from repeat_row(1, num_rows = 10)", "from test_all_types()",
    "from search('x', k => 100000000)", "from neighbors('product:x', hops => 999)", "from features('../../etc')",
    "from search((select content from read_text('FILE')))", "from neighbors(getenv('HOME'))",
    "from search('x') s where s.text = (select content from read_text('FILE'))",
]  # fmt: skip
TRICKS = [
    "select 1; select 2", "select 1; drop view gold.daily_cash", "select 1;;copy (select 1) to 'FOLDER/x'",
    "/* select 1 */ drop view gold.daily_cash", "-- select\ndrop view gold.daily_cash", "select 1 -- \n; attach 'FOLDER/x.db'",
    "select /*+ */ * from /**/ read_text /**/ ('FILE')", "sElEcT * FrOm ReAd_TeXt('FILE')", "select * from \"read_text\"('FILE')",
    "select * from \"READ_TEXT\"('FILE')", "select * from main.read_text('FILE')", "select * from read_text($$FILE$$)",
    "select * from read_text($x$FILE$x$)", "select * from read_text(E'FILE')", "select * from read_text(chr(47) || 'etc/passwd')",
    "select * from read_text(concat('/etc', '/passwd'))", "select\u00a0*\u00a0from\u00a0read_text('FILE')",
    "select * from read_text('FILE') /* 'x' -- */", "select * from ｒead_text('FILE')", "select * from gold.daily_cash at (version => 1)",
    "\ufeffdrop view gold.daily_cash", "select 1\0; drop view gold.daily_cash", "", " ", ";", "--", "/*", "'", "select", "select * from",
    "drop", "\u202ewolla", "select * from gold.\"daily_cash\"\"; drop view x\"", "from memory.information_schema.tables",
    "from system.pg_catalog.pg_class", "from temp.x", "select 'a' || (from read_text('FILE') select content)",
    "table \"FILE\"", "from (table \"/etc/passwd\")", "pivot gold.daily_cash on day", "from gold.daily_cash pivot (count(*) for day in (1)) x, read_text('FILE')",
    "select * from unnest((select list(content) from read_text('FILE')))", "values ((select content from read_text('FILE')))",
]  # fmt: skip
BOMBS = [
    "with recursive r(i) as (select 1 union all select i + 1 from r) select count(*) from r",
    "with recursive r(i, s) as (select 1, 'x' union all select i + 1, s || s from r) select max(length(s)) from r",
    "with recursive r(i) as (select 1 union all select r.i from r, range(10)) select * from r order by i",
    "select count(*) from range(1000000000000)", 
    "select sum(a.i * b.i % 7) from range(10000000) a(i), range(10000000) b(i)",
    
    "select list(i) from range(1000000000) t(i)", "select range(10000000000)", "select list_sum(range(3000000000))",
    "select repeat('x', 4000000000)", "select repeat(repeat('x', 100000000), 1000)", 
    "select printf('%1000000000d', 1)",
    "select list_transform(range(100000000), lambda x: list_transform(range(1000), lambda y: x * y))",
    "select list_sort(list_transform(range(200000000), lambda x: hash(x)))",
    "select * from range(300000000) t(i) order by hash(i)",
    "select regexp_replace(repeat('a', 50000000), '(a|aa)+$', 'b')", 
    "select levenshtein(repeat('a', 200000), repeat('b', 200000))",
    
    "select json(repeat('[', 100000))", "select repeat('[', 1000000)::json",
    "select json_extract(repeat('{\"a\":', 100000) || '1' || repeat('}', 100000), '$..a')", "select bar(1, 0, 1, 2000000000)",
    "select factorial(100000)", "select 2::hugeint ** 200", "select * from range(100000000)", "select repeat('x', 30000) from range(100000)",
    "select median(hash(i)) from range(1000000000) t(i)",
    
    "select " + "(" * 200 + "1" + ")" * 200, "select " + "(" * 9000 + "1" + ")" * 9000, "select " + "not " * 4000 + "true",
    "select 1" + " + 1" * 4000, "select 1" + "::int" * 3000, "select " + "[" * 5000 + "]" * 5000,
    "select * from " + "(select * from " * 800 + "range(1)" + ")" * 800, "select 1" + " union all select 1" * 900,
    "select * from range(1) t0" + "".join(f" join range(1) t{i} on true" for i in range(1, 400)),
    "select case " + "when true then 1 " * 900 + "end", "select " + ", ".join(["1"] * 6000), "select 'x'" + " || 'x'" * 2000,
    "select error('stop')", "select cast('person' as int)", "select 1 / 0", "select " + "x" * 19_000, "select '" + "x" * 25_000 + "'",
    "select unnest(range(100000000)), unnest(range(100000000))", "select create_sort_key(repeat('x', 500000000), 'asc')",
    "select md5(repeat('x', 2000000000))", "select encode(repeat('é', 1000000000))", "select translate(repeat('a', 500000000), 'a', 'b')",
    "with recursive r(i) as (from range(10) union all select i + 1 from r, search('delivery')) select count(*) from r",
]  # fmt: skip

REFUSED = {
    "writes": WRITES, "copies": COPIES, "attaches": ATTACHES, "settings": SETTINGS, "files": FILES, "looks": LOOKS,
    "indirect": INDIRECT, "tricks": TRICKS,
}  # fmt: skip
CONTAINED = BOMBS

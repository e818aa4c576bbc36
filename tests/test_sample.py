"""The sample and its truth file, against a naive recount of the files that were written."""

import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import zstandard

from cenote.contracts import load_contracts
from cenote.errors import CenoteError
from cenote.sample import SampleSummary, generate
from cenote.sample.files import FORMS, Files, Form
from cenote.sample.mess import KEYED_ONLY, LINES_ONLY, RATES, SPOILS
from cenote.sample.people import card, iban, national_id
from transforms.conform import conform
from transforms.contract import Contract, Field

UNTIL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CUSTOMERS = 400
CONTRACTS = load_contracts(Path(__file__).resolve().parents[1] / "contracts")
KEYED = [name for name, contract in CONTRACTS.items() if contract.keyed]


class Sample:
    """A generated sample, read again without the generator's help."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "data" / "landing"
        self.calls: list[tuple[int, int]] = []
        progress = lambda done, total: self.calls.append((done, total))  # noqa: E731
        self.summary: SampleSummary = generate(self.landing, CUSTOMERS, 7, UNTIL, progress, truth_values=True)
        self.truth = json.loads(self.summary.truth.read_text(encoding="utf-8"))
        self.lines = {name: read(self.landing / name) for name in CONTRACTS}

    def told(self, dataset: str) -> dict[str, Any]:
        found: dict[str, Any] = self.truth["datasets"][dataset]
        return found

    def objects(self, dataset: str) -> Iterator[dict[str, Any]]:
        for line in [line for lines in self.lines[dataset].values() for line in lines]:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found

    def text(self, dataset: str) -> str:
        return "\n".join(line.decode(errors="replace") for lines in self.lines[dataset].values() for line in lines)


def content(file: Path) -> bytes:
    data = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(data).read() if file.suffix == ".zst" else data


def read(folder: Path) -> dict[str, list[bytes]]:
    """Records by file."""
    found = {}
    for file in sorted(folder.iterdir()):
        text = content(file).removeprefix(b"\xef\xbb\xbf")
        if file.suffix == ".json":
            found[file.name] = [json.dumps(r, sort_keys=True).encode() for r in json.loads(text)]
        else:
            found[file.name] = text.splitlines()
    return found


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# what is written


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        generate(tmp_path / name / "landing", 60, seed, UNTIL)
    one, two, three = (digests(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert not set(one.values()) & set(three.values())


def test_every_dataset_is_written_in_its_form(sample: Sample) -> None:
    assert {folder.name for folder in sample.landing.iterdir()} == set(CONTRACTS) == set(FORMS) == set(SPOILS)
    endings = {name: FORMS[name].ending for name in CONTRACTS}
    for name, ending in endings.items():
        assert all(file.name.endswith(ending) for file in (sample.landing / name).iterdir())
    assert {".json", ".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst"} <= set(endings.values())
    assert content(sample.landing / "reviews" / "reviews-0001.jsonl").startswith(b"\xef\xbb\xbf{")
    assert content(sample.landing / "documents" / "documents-0001.json").startswith(b"\xef\xbb\xbf[\n{\n  ")
    assert b"}\r\n{" in content(sample.landing / "consents" / "consents-0001.jsonl")
    assert not content(sample.landing / "follows" / "follows-0001.jsonl").endswith(b"\n")


def test_no_half_written_file_is_left(sample: Sample) -> None:
    files = [file for file in sample.landing.rglob("*") if file.is_file()]
    assert not [file for file in files if file.name.startswith(".")]
    assert len(files) == sample.summary.files == sum(sample.told(name)["files"] for name in CONTRACTS)
    assert sum(file.stat().st_size for file in files) == sample.summary.bytes


def test_files_are_rotated_and_arrays_are_not(tmp_path: Path) -> None:
    for ending, names in ((".jsonl", ["x-0001.jsonl", "x-0002.jsonl", "x-0003.jsonl"]), (".json", ["x-0001.json"])):
        files = Files(tmp_path / ending, "x", Form(ending))
        files.write([b"{}"] * 49_999)
        files.write([b"{}"] * 50_002)
        files.close()
        assert sorted(f.name for f in (tmp_path / ending).iterdir()) == names and files.count == len(names)
        assert sum(map(len, read(tmp_path / ending).values())) == 100_001


def test_progress_is_told(sample: Sample) -> None:
    assert sample.calls[-1] == (CUSTOMERS, CUSTOMERS)


@pytest.mark.slow
def test_the_default_sample_is_as_large_as_promised(tmp_path: Path) -> None:
    summary = generate(tmp_path / "landing", 2_000, 7, UNTIL)
    assert summary.total >= 60_000
    promised = {
        "customers": 3_000, "products": 400, "orders": 20_000, "invoices": 14_000, "conversations": 4_000,
        "turns": 9_000, "documents": 250, "reviews": 2_500, "follows": 3_000, "media_assets": 600, "consents": 5_000,
    }  # fmt: skip
    for name, about in promised.items():
        assert 0.8 * about < summary.records[name] < 1.25 * about, name


@pytest.mark.parametrize("customers", [1, 2])
def test_tiny_samples_work(tmp_path: Path, customers: int) -> None:
    summary = generate(tmp_path / "landing", customers, 1, UNTIL)
    assert summary.records["customers"] >= customers


def test_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CenoteError, match="empty"):
        generate(tmp_path, 0, 1, UNTIL)
    with pytest.raises(CenoteError, match="time zone"):
        generate(tmp_path, 1, 1, UNTIL.replace(tzinfo=None))


# truth against a recount


@pytest.mark.parametrize("dataset", CONTRACTS)
def test_records_are_counted_rightly(sample: Sample, dataset: str) -> None:
    told = sample.told(dataset)
    assert told["records"] == sum(map(len, sample.lines[dataset].values())) == sample.summary.records[dataset]
    assert told["accepted"] + told["rejected"] == told["records"]
    assert told["rejected"] == sample.summary.rejected[dataset]


@pytest.mark.parametrize("dataset", CONTRACTS)
def test_rejected_records_are_those_that_break_the_contract(sample: Sample, dataset: str) -> None:
    rules: Counter[tuple[str, str]] = Counter()
    rejected = 0
    for line in [line for lines in sample.lines[dataset].values() for line in lines]:
        found = set(broken(line, CONTRACTS[dataset]))
        rules.update(found)
        rejected += bool(found)
    told = sample.told(dataset)
    assert rejected == told["rejected"]
    assert rules == {(r["rule"], r["path"]): r["records"] for r in told["rejected_by_rule"]}


@pytest.mark.parametrize("dataset", CONTRACTS)
def test_silver_agrees_with_the_truth(sample: Sample, dataset: str) -> None:
    contract, told = CONTRACTS[dataset], sample.told(dataset)
    lines = [line for lines in sample.lines[dataset].values() for line in lines]
    records = pl.DataFrame(
        {"lineage_id": [f"{n:010d}" for n in range(len(lines))], "payload": lines},
        schema_overrides={"payload": pl.Binary},
    ).with_columns(batch_id=pl.lit("b"), landed_at=pl.lit(UNTIL), subject_id=pl.lit(None, pl.String))
    found = conform(records, contract)
    assert (found.valid.height, found.rejected.height) == (told["accepted"], told["rejected"])
    rules = Counter((r["rule"], r["path"]) for rules in found.rejected["rules"].to_list() for r in rules)
    assert rules == {(r["rule"], r["path"]): r["records"] for r in told["rejected_by_rule"]}
    newest = found.valid
    if contract.keyed:
        newest = found.valid.sort(*contract.change.sequence_by).group_by(contract.primary_key).last()
        assert newest.filter(pl.col("change_op") == "delete").height == told["deleted_rows"]
        newest = newest.filter(pl.col("change_op") != "delete")
    assert newest.height == told["current_rows"]
    assert newest.select(contract.primary_key).is_unique().all()


@pytest.mark.parametrize("dataset", KEYED)
def test_repeated_and_disordered_records_are_counted_rightly(sample: Sample, dataset: str) -> None:
    contract, mess = CONTRACTS[dataset], sample.told(dataset)["mess"]
    files = sample.lines[dataset]
    objects = {name: [line for line in lines if line.startswith(b"{")] for name, lines in files.items()}
    first = objects[f"{dataset}-0001{FORMS[dataset].ending}"]
    later = [line for name, lines in objects.items() if "-later-" in name for line in lines]
    assert len(first) - len(set(first)) == mess.get("duplicate", 0)
    assert len(set(first) & set(later)) == mess.get("redelivered", 0)
    assert len(set(later) - set(first)) == mess.get("late", 0)
    newest: dict[Any, Any] = {}
    disordered = 0
    for line in dict.fromkeys(first):
        key, sequence = place(line, contract)
        if key is None or sequence is None:
            continue
        disordered += sequence < newest.get(key, sequence)
        newest[key] = max(sequence, newest.get(key, sequence))
    assert disordered == mess.get("out_of_order", 0)


@pytest.mark.parametrize("dataset", ["orders", "invoices", "turns"])
def test_every_kind_of_mess_is_in_the_large_datasets(sample: Sample, dataset: str) -> None:
    contract = CONTRACTS[dataset]
    kinds = set(RATES) - (set() if contract.keyed else set(KEYED_ONLY))
    rare = {"not_an_object"}
    assert kinds - rare <= set(sample.told(dataset)["mess"])
    assert set(LINES_ONLY) <= set(sample.told("orders")["mess"])


def test_what_was_deleted_is_told(sample: Sample) -> None:
    assert len(sample.told("invoices")["deleted_keys"]) == sample.told("invoices")["deleted_rows"] > 0
    left = {c["id"] for c in sample.objects("customers") if c.get("is_deleted")}
    assert set(sample.told("customers")["deleted_keys"]) <= left


def test_money_adds_up(sample: Sample) -> None:
    totals: dict[str, Decimal] = {}
    states: dict[str, tuple[datetime, str]] = {}
    for order in sample.objects("orders"):
        if list(broken(json.dumps(order).encode(), CONTRACTS["orders"])):
            continue
        total = Decimal(str(order["total_eur"]))
        assert total == sum(Decimal(str(line["unit_price_eur"])) * line["quantity"] for line in order["lines"])
        assert totals.setdefault(order["order_id"], total) == total
        step = (datetime.fromisoformat(order["updated_at"]), order["status"])
        states[order["order_id"]] = max(states.get(order["order_id"], step), step)
    revenue = sum(totals[key] for key, (_, state) in states.items() if state in ("paid", "shipped", "delivered"))
    assert Decimal(sample.truth["orders_revenue_eur"]) == revenue
    by_status = Counter(state for _, state in states.values())
    told = sample.told("orders")["current_by_status"]
    assert {state: sums["rows"] for state, sums in told.items()} == by_status
    checked = 0
    for event in sample.objects("invoices"):
        row = event["after"] or event["before"]
        if not list(broken(json.dumps(event).encode(), CONTRACTS["invoices"])) and row["order_id"] in totals:
            assert Decimal(str(row["amount_eur"])) == totals[row["order_id"]]
            checked += 1
    assert checked > 1_000


# what the data looks like


@pytest.mark.parametrize("dataset", CONTRACTS)
def test_every_column_of_the_contract_is_filled_somewhere(sample: Sample, dataset: str) -> None:
    empty = {f.name: f for f in CONTRACTS[dataset].fields}
    for record in sample.objects(dataset):
        for name, field in list(empty.items()):
            if value_at(record, field.path, CONTRACTS[dataset]) not in (None, []):
                del empty[name]
        if not empty:
            break
    assert list(empty) == []


def test_everything_happened_before_the_end_and_some_of_it_lately(sample: Sample) -> None:
    columns = {
        "customers": "$.updated_at", "orders": "$.updated_at", "invoices": "$envelope.at", "turns": "$.said_at",
        "reviews": "$.reviewed_at", "follows": "$.updated_at", "consents": "$.given_at", "products": "$.updated_at",
        "documents": "$.updated_at", "media_assets": "$.updated_at", "conversations": "$.updated_at",
    }  # fmt: skip
    for dataset, path in columns.items():
        texts = [value_at(record, path, CONTRACTS[dataset]) for record in sample.objects(dataset)]
        moments = [datetime.fromisoformat(text) for text in texts if isinstance(text, str)]
        assert UNTIL - timedelta(days=400) <= min(moments) and max(moments) <= UNTIL, dataset
        recent = sum(moment > UNTIL - timedelta(days=30) for moment in moments)
        assert recent > 0.01 * len(moments) or len(moments) < 500, dataset


def test_moments_are_written_in_several_zones(sample: Sample) -> None:
    endings = Counter(order["updated_at"][19:] for order in sample.objects("orders") if order.get("updated_at"))
    assert {"Z", "+02:00", "-05:00"} <= set(endings)


def test_names_come_in_many_scripts(sample: Sample) -> None:
    names = " ".join(sample.truth["values"]["name"])
    for pattern in (r"[é-ü]", r"[\u4e00-\u9fff]", r"[\u0600-\u06ff]", r"[\u0900-\u097f]", "'", "-"):
        assert re.search(pattern, names), pattern


def test_planted_personal_data_is_in_the_files(sample: Sample) -> None:
    for dataset, kinds in sample.truth["text_values"].items():
        text = sample.text(dataset)
        values = [value for found in kinds.values() for value in found]
        missing = [value for value in values if json.dumps(value, ensure_ascii=False)[1:-1] not in text]
        # a value may have stood where a line was cut off or a field left out
        mess = sample.told(dataset)["mess"]
        assert len(missing) <= 3 * (
            mess.get("malformed", 0) + mess.get("absent_field", 0) + mess.get("not_an_object", 0)
        )
        assert len(values) > 10 or dataset == "customers"
    kinds = {"person", "email", "phone", "card", "iban", "national_id", "street", "birth_date"}
    assert kinds <= set(sample.truth["text_values"]["invoices"])
    assert sample.told("turns")["personal_data_in_text"]["other_person"] > 0


def test_others_are_named_in_a_customers_texts(sample: Sample) -> None:
    names = {record["id"]: record["name"] for record in sample.objects("customers") if "name" in record}
    foreign = 0
    for event in sample.objects("invoices"):
        row = event["after"] or event["before"]
        memo = row.get("memo") or ""
        if memo.startswith("Delivered to ") and "," in memo and row["customer_id"] in names:
            other = memo.removeprefix("Delivered to ").split(",")[0]
            foreign += other in names.values() and other != names[row["customer_id"]]
    assert foreign > 5


def test_by_default_the_truth_holds_nothing_personal(sample: Sample, tmp_path: Path) -> None:
    summary = generate(tmp_path / "data" / "landing", CUSTOMERS, 7, UNTIL)
    assert summary.truth == tmp_path / "data" / "truth.json"
    text = summary.truth.read_text(encoding="utf-8")
    told = json.loads(text)
    assert "values" not in told and "text_values" not in told and "deleted_keys" not in told["datasets"]["customers"]
    assert told["datasets"]["orders"] == sample.told("orders")
    assert not re.search(r"\bC\d{7}\b", text)
    for values in sample.truth["values"].values():
        assert not [value for value in values if len(value) > 5 and value in text]


def test_identifiers_pass_their_check_digits() -> None:
    from random import Random

    rng = Random(1)
    for _ in range(300):
        digits = [int(d) for d in re.sub(r"\D", "", card(rng))][::-1]
        assert len(digits) == 16
        assert sum(d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits)) % 10 == 0
        account = iban(rng).replace(" ", "")
        assert int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1
        assert len(account) == {"DE": 22, "ES": 24, "FR": 27, "GB": 22}[account[:2]]
        spanish = national_id("ES", rng)
        assert "TRWAGMYFPDXBNJZSQVHLCKE"[int(spanish[:8]) % 23] == spanish[8]
        french = national_id("FR", rng)
        assert len(french) == 15 and 97 - int(french[:13]) % 97 == int(french[13:])


def test_passages_repeat_as_people_do(sample: Sample) -> None:
    said = [turn["transcript"] for turn in sample.objects("turns")]
    assert 0.1 < len(set(said)) / len(said) < 0.75
    languages = {c["language"] for c in sample.objects("conversations") if "language" in c}
    assert languages == {"en", "es", "fr", "de"}


def test_lines_of_one_record_type_share_no_array_or_object_with_their_spoilt_neighbours(sample: Sample) -> None:
    versions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in sample.objects("orders"):
        versions[order["order_id"]].append(order)
    broken_lines = [
        order["order_id"] for orders in versions.values() for order in orders
        if order["lines"] and order["lines"][0]["quantity"] == "several"
    ]  # fmt: skip
    for key in broken_lines:
        assert sum(o["lines"][0]["quantity"] == "several" for o in versions[key] if o["lines"]) == broken_lines.count(
            key
        )


# a second, naive reading of contracts


def value_at(record: dict[str, Any], path: str, contract: Contract) -> Any:
    if path.startswith("$envelope."):
        return record.get(path.removeprefix("$envelope."))
    image: Any = (record.get("after") or record.get("before")) if contract.change.envelope else record
    for step in path.removeprefix("$.").split("."):
        image = image.get(step) if isinstance(image, dict) else None
    return image


def place(line: bytes, contract: Contract) -> tuple[Any, Any]:
    """Key and sequence of a record, or None where it has none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None, None
    key = tuple(value_at(record, contract.column(name).path, contract) for name in contract.primary_key)
    parts: list[Any] = []
    for name in contract.change.sequence_by:
        value = value_at(record, contract.column(name).path, contract)
        if value is None:
            return key, None
        parts.append(datetime.fromisoformat(value) if isinstance(value, str) else value)
    return key, tuple(parts)


def broken(line: bytes, contract: Contract) -> Iterator[tuple[str, str]]:
    """The rules that a record breaks, with paths."""
    try:
        record = json.loads(line)
    except ValueError:
        yield "malformed_json", "$"
        return
    if not isinstance(record, dict):
        yield "not_an_object", "$"
        return
    deletes = record.get("op") == "delete" or record.get("is_deleted") is True or record.get("status") == "deleted"
    for field in contract.fields:
        value = value_at(record, field.path, contract)
        if value is not None:
            yield from wrong(value, field, field.path)
        elif field.primary_key:
            yield "missing_key", field.path
        elif field.name in contract.change.sequence_by:
            yield "missing_sequence", field.path
        elif field.required and not deletes:
            yield "missing_required", field.path


def wrong(value: Any, field: Field, path: str) -> Iterator[tuple[str, str]]:
    options = field.options
    if field.items:
        if not isinstance(value, list):
            yield "wrong_type", path
            return
        for item in value:
            members = field.items.properties
            for member in members:
                yield from wrong(item[member.name], member, f"{path}[*].{member.name}")
        return
    typed = reading(value, field)
    if typed is None:
        yield "wrong_type", path
        return
    if field.enum and typed not in field.enum:
        yield "not_in_enum", path
    if isinstance(typed, Decimal) and not options.get("minimum", typed) <= typed <= options.get("maximum", typed):
        yield "out_of_range", path
    if isinstance(typed, str) and len(typed) > options.get("maxLength", len(typed)):
        yield "too_long", path
    if isinstance(typed, str) and not re.search(options.get("pattern", ""), typed):
        yield "pattern", path
    if options.get("format") == "email" and not re.fullmatch(r"\S+@\S+\.\S+", str(typed)):
        yield "bad_format", path


def reading(value: Any, field: Field) -> Any:
    """The value as the field's type, or None."""
    kind = field.type
    try:
        if kind in ("integer", "number") and not isinstance(value, bool | dict | list):
            number = Decimal(str(value))
            return number if kind == "number" or number == int(number) else None
        if kind == "boolean":
            return value if isinstance(value, bool) else None
        if kind == "timestamp":
            return datetime.fromisoformat(value)
        if kind == "date":
            return date.fromisoformat(value)
        return value if isinstance(value, str) else None
    except (ArithmeticError, ValueError, TypeError):
        return None


def test_the_generator_writes_what_msgspec_reads(sample: Sample) -> None:
    for file in (sample.landing / "products").iterdir():
        assert msgspec.json.decode(content(file), type=list[msgspec.Raw])

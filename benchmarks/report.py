"""The report: docs/performance.md and its plots, from what benchmarks printed and remembered last.

Belongs here: putting results together: ``python -m benchmarks report``, which `make bench` does at the end. Must not:
measuring, or any figure that no benchmark gave. The words between the figures are in ``_report.md``.
"""

from pathlib import Path
from string import Template
from typing import Any

from benchmarks._run import PRINTED, ROOT, figures

DOCS = ROOT / "docs"
PLOTS = DOCS / "performance"
WORDS = Path(__file__).with_name("_report.md")
GREY, BLUE = "#9aa5b1", "#1f6feb"


def bars(file: str, title: str, values: dict[str, float], unit: str, limit: float | None = None) -> None:
    """A plot of horizontal bars, ours in blue, with a line at the limit. The same values give the same bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "cenote", "font.size": 9, "svg.fonttype": "none"}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.32 * len(values)))
    colours = [BLUE if "cenote" in name else GREY for name in values]
    drawn = axes.barh(list(values), list(values.values()), color=colours)
    axes.bar_label(drawn, fmt="%.2g", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    if limit is not None:
        axes.axvline(limit, color="#cf222e", linewidth=1)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{file}.svg", metadata={"Date": None})
    pyplot.close(figure)


def whole(told: dict[str, Any]) -> None:
    """Contenders and stages of the whole way, as times the DuckDB floor of the same run."""
    walls = {name: m["wall"] for name, m in told["contenders"].items()}
    floor = walls["duckdb"]
    names = {
        "duckdb": "floor: DuckDB, one pass",
        "polars": "floor: Polars, one pass",
        "dlt": "dlt, only loading",
        "cenote": "cenote, landing to features",
    }
    bars("whole", "A million records", {names[n]: walls[n] / floor for n in names}, "times the DuckDB floor", 6)
    stages = {f"cenote, {stage}": seconds / floor for stage, seconds in told["stages"].items()}
    bars("stages", "Where the time goes", stages, "times the DuckDB floor")
    if "lakelogic" in told["silver"]:
        both = {"LakeLogic": told["silver"]["lakelogic"], "cenote": told["silver"]["cenote"]}
        ratio = {f"{name}, orders to silver": seconds / both["LakeLogic"] for name, seconds in both.items()}
        bars("silver", "Typing, checking, masking the orders", ratio, "times LakeLogic", 1)


def increment(told: dict[str, Any]) -> None:
    """Runs as shares of building the lake."""
    base = told["runs"]["built"]["cpu"]
    shares = {f"cenote, {name}": 100 * m["cpu"] / base for name, m in told["runs"].items()}
    bars("increment", f"A lake of {told['records']:,} records", shares, "% of the CPU time of building it", 5)


def memory(told: dict[str, Any]) -> None:
    """Peak memory of the stages."""
    peaks = {f"cenote, {name}": m["mib"] for name, m in told["stages"].items()}
    bars("memory", f"{told['bytes'] / 1e9:.1f} GB of JSON", peaks, "MiB at the peak", 2048)


def startup(told: dict[str, Any]) -> None:
    """Start-up as shares of the limits."""
    shares = {name: m["wall"] / m["limit"] for name, m in told.items() if m["limit"]}
    bars("startup", "Until a command answers", shares, "share of its limit", 1)


def main() -> None:
    known = figures()
    for name, draw in {"whole": whole, "increment": increment, "memory": memory, "startup": startup}.items():
        if name in known:
            draw(known[name])
    printed = {file.stem: f"```\n{file.read_text().rstrip()}\n```" for file in PRINTED.glob("*.txt")}
    never = "*Not run yet.*"
    words = Template(WORDS.read_text())
    text = words.substitute({name: printed.get(name, never) for name in words.get_identifiers()})
    (DOCS / "performance.md").write_text(text)
    print(f"docs/performance.md: {len(printed)} benchmarks, plots in docs/performance/")


if __name__ == "__main__":
    main()

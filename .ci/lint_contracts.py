"""Whether other ODCS tools read our contracts: ``datacontract lint`` over folders of them, in one go.

Runs in an environment of its own (see the Makefile): datacontract-cli caps typer, rich, pydantic and others, and a tool
that only checks must not hold back what users get. Its command takes one file and starts anew for each.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def lint(file: Path) -> list[str]:
    """What datacontract-cli has against a contract."""
    from datacontract.data_contract import DataContract

    run = DataContract(data_contract_file=str(file)).lint()
    told = [f"{check.result.value}: {check.reason}" for check in run.checks if check.result.value != "passed"]
    return told or ([] if run.result.value == "passed" else [run.result.value])


def main(folders: list[str]) -> int:
    """Lint every contract of the folders; exit code 1 if any is refused."""
    files = sorted(file for folder in folders for file in Path(folder).glob("*.yaml"))
    with ProcessPoolExecutor(2) as pool:
        found = {file: told for file, told in zip(files, pool.map(lint, files), strict=True) if told}
    for file, told in found.items():
        print(f"{file}: {'; '.join(told)}")
    print(f"datacontract lint: {len(files) - len(found)} of {len(files)} contracts accepted")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

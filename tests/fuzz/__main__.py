"""``python -m tests.fuzz --seconds 600``: atheris invents bytes, led by the code that they reach.

Needs the extra ``fuzz`` (``pip install 'cenote[fuzz]'``). An input that breaks a promise is written to the folder given
by ``--out``, and the exit code is not 0.
"""

import argparse
import sys
import tempfile
from pathlib import Path

SEEDS = [
    b'{"id":"a","size":1.25,"count":3,"at":"2026-11-20T12:00:00Z","tags":["x"],"a":{"b":[{}]}}\n{"id":NaN}\n',
    b'[1, {"a" : "[,\\"\\\\"}, [2,[3]] ,"x"]\n',
    b"\xef\xbb\xbf[]\r\n \t",
    '{"id":"é\\ud800"}'.encode("utf-16"),
    b"\r\n\n{\r}\r\n",
]


def main() -> None:
    """Fuzz for some seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="how long to fuzz")
    parser.add_argument("--seed", type=int, default=7, help="the same seed begins in the same way")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()), help="folder for inputs that break it")
    asked = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["cenote.splitting", "transforms"]):
        from tests.fuzz.promises import accounted, keep

    def one(data: bytes) -> None:
        if len(data) >= 3:
            records = keep(data[3:], bool(data[0] & 1), data[1] % 64 + 1, data[2] % 16 + 1)
            if data[0] % 16 >= 14:  # conforming takes a hundred times as long
                accounted(records)

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS):
            for first in (0, 1, 14, 15):
                Path(corpus, f"{number}-{first}").write_bytes(bytes([first, 15, 7]) + seed)
        options = [f"-max_total_time={asked.seconds}", f"-seed={asked.seed}", f"-artifact_prefix={asked.out}/"]
        atheris.Setup([sys.argv[0], corpus, *options, "-max_len=2048", "-print_final_stats=1"], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

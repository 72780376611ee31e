"""How fast tasks are minted from real libraries, and why mutants are rejected.

    python benchmarks/mint.py                        50 tasks of four libraries each, into build/mint
    python benchmarks/mint.py --count 20 --json      other sizes, machine-readable
    python benchmarks/mint.py toolz==1.0.0 --out DIR other libraries, another place

Run again with the same place, it goes on where it was; times are those of the run at hand.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from journeyman.sandbox.backends import BACKENDS, open_backend
from journeyman.sandbox.sandbox import SandboxError
from journeyman.tasks.sources.mint import MintReport, mint
from journeyman.tasks.sources.plan import Wanted
from journeyman.tasks.sources.recipe_file import read_recipes, write_recipes
from journeyman.tasks.task import TaskError

LIBRARIES = ("inflection==0.5.1", "toolz==1.0.0", "boltons==25.0.0", "sqlparse==0.5.3")


def main() -> int:
    options = _options()
    wanted = Wanted(one_line=options.one_line, max_function_lines=options.max_lines, named=options.named)
    reports: list[MintReport] = []
    for requirement in options.libraries:
        try:
            report = mint(
                requirement,
                count=options.count,
                out=options.out,
                sandboxes=open_backend(options.backend),
                seed=options.seed,
                jobs=options.jobs,
                progress=_show if sys.stderr.isatty() else None,
                wanted=wanted,
            )
        except (TaskError, SandboxError) as error:
            print(f"{requirement}: {error}", file=sys.stderr)
            continue
        reports.append(report)
        if not options.json:
            print(_line(report), flush=True)
    summary = _summary(reports)
    print(
        json.dumps({"libraries": [r.as_json() for r in reports], "all": summary}) if options.json else _words(summary)
    )
    if options.recipes is not None and reports:
        write_recipes(options.recipes, read_recipes(options.out / "recipes.jsonl"))
    return 0 if reports else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("libraries", nargs="*", default=LIBRARIES, help="NAME==VERSION")
    parser.add_argument("--count", type=int, default=50, help="tasks of each library")
    parser.add_argument("--out", type=Path, default=Path("build/mint"))
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="proofs at once")
    parser.add_argument("--one-line", action="store_true", help="only faults that one changed line mends")
    parser.add_argument("--max-lines", type=int, help="longest function that may hold the fault")
    parser.add_argument("--named", action="store_true", help="only where the instruction names the function at fault")
    parser.add_argument("--recipes", type=Path, help="also write all kept tasks of --out to this recipe file")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _show(report: MintReport) -> None:
    print(f"\r{report.requirement}: {len(report.kept)} of {report.wanted}", end="", file=sys.stderr, flush=True)


def _line(report: MintReport) -> str:
    return (
        f"{report.requirement:24} {len(report.kept):4} tasks ({report.resumed} from before), {report.tried} tried, "
        f"{report.seconds:.0f} s, {report.tasks_per_minute:.1f} a minute, {report.tests} tests"
    )


def _summary(reports: list[MintReport]) -> dict[str, object]:
    made = sum(report.made for report in reports)
    tried, seconds = sum(report.tried for report in reports), sum(report.seconds for report in reports)
    rejected: Counter[str] = sum((report.rejected for report in reports), Counter())
    unsplit: Counter[str] = sum((report.unsplit for report in reports), Counter())
    return {
        "kept": sum(len(report.kept) for report in reports),
        "made": made,
        "tried": tried,
        "seconds": round(seconds, 1),
        "tasks_per_minute": round(60 * made / seconds, 1) if seconds else 0.0,
        "rejected_share": {reason: round(count / tried, 3) for reason, count in rejected.most_common()}
        if tried
        else {},
        "split_share": round(sum(report.split for report in reports) / made, 3) if made else 0.0,
        "unsplit": dict(unsplit.most_common()),
        "when": time.strftime("%Y-%m-%d"),
    }


def _words(summary: dict[str, object]) -> str:
    shares = summary["rejected_share"]
    pace = f"{summary['made']} made in {summary['seconds']} s, {summary['tasks_per_minute']} a minute"
    lines = [f"{summary['kept']} tasks; {pace}"]
    lines += (
        [f"  rejected: {share:6.1%}  {reason}" for reason, share in shares.items()] if isinstance(shares, dict) else []
    )
    lines += [f"  graded in two sandboxes: {summary['split_share']:.1%}"] if summary["made"] else []
    unsplit = summary["unsplit"]
    lines += [f"  not: {n:4}  {reason}" for reason, n in unsplit.items()] if isinstance(unsplit, dict) else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

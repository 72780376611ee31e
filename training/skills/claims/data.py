"""The claims benchmark as a data set for others: written, read, and any judge's predictions scored on it.

    OUT/data/dev.jsonl, test.jsonl   one labelled claim a line, with the episode it is about
    OUT/README.md                    the card: what it is, how it was made, the checker's own figures, its limits

It is read by `datasets.load_dataset(OUT)`, or by anything that reads JSON. Text columns hold JSON where their content
has many shapes (`episode`), so that every reader sees the same columns.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from journeyman.envs.actions import Claim
from journeyman.training.checkpoint import TrainingError
from journeyman.training.skills.claims.cases import LABELS, SPLITS, Case, plain_steps, steps_of
from journeyman.training.skills.claims.measure import Figures, Prediction, figures, figures_by, judged
from journeyman.training.stats import Rate

FIELDS = ("id", "episode_id", "made", "situation", "kind", "subject", "episode", "label", "why")
CARD = "card.md"


def export(cases: Sequence[Case], out: Path) -> dict[str, int]:
    """Write the data set; how many claims each split has.

    Raises:
        TrainingError: the folder holds something else, two claims have one id, an episode is in two splits, or the
            disk refuses.
    """
    _check(cases)
    data = out / "data"
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not data.is_dir())):
        raise TrainingError(f"{out} holds something else; give a new folder, or one that an export made")
    counts = dict[str, int]()
    try:
        data.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            own = list(rows([case for case in cases if case.split == split]))
            counts[split] = len(own)
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
            _write(data / f"{split}.jsonl", text)
        _write(out / "README.md", card(cases))
    except OSError as error:
        raise TrainingError(f"{out}: {error.strerror or error}") from error
    return counts


def _write(path: Path, text: str) -> None:
    """All of it or nothing."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _check(cases: Sequence[Case]) -> None:
    splits: dict[str, str] = {}
    ids = set[str]()
    for case in cases:
        if case.id in ids:
            raise TrainingError(f"two claims have the id {case.id!r}")
        ids.add(case.id)
        if splits.setdefault(case.episode, case.split) != case.split:
            raise TrainingError(f"episode {case.episode!r} is in two splits")


def rows(cases: Sequence[Case]) -> Iterator[dict[str, str]]:
    """The cases as the data set holds them."""
    texts: dict[str, str] = {}
    for case in cases:
        if case.episode not in texts:
            texts[case.episode] = json.dumps(plain_steps(case.steps), ensure_ascii=False, separators=(",", ":"))
        yield dict(zip(FIELDS, (
            case.id, case.episode, case.made, case.situation, case.claim.kind, case.claim.subject,
            texts[case.episode], case.label, case.why,
        ), strict=True))  # fmt: skip


def card(cases: Sequence[Case]) -> str:
    """The data set's card, with the figures of the checker on these very claims."""
    test = [case for case in cases if case.split == "test"]
    said = judged(test).said
    whole = figures_by(test, said).get("", Figures({}))
    counts = "\n".join(map(_counted, SPLITS, ([case for case in cases if case.split == split] for split in SPLITS)))
    text = files("journeyman.training.skills.claims").joinpath(CARD).read_text(encoding="utf-8")
    size = next(name for limit, name in _SIZES if len(cases) < limit)
    for name, value in {
        "size": size, "counts": counts, "made": ", ".join(_made(cases)), "figures": "\n".join(whole.lines()),
        "kinds": table(figures_by(test, said, lambda case: case.claim.kind)),
        "sources": table(figures_by(test, said, lambda case: case.made)),
    }.items():  # fmt: skip
        text = text.replace(f"<<{name}>>", value)
    return text


def _counted(split: str, cases: Sequence[Case]) -> str:
    counts = [len(cases), len({case.episode for case in cases})]
    counts += [sum(case.label == label for case in cases) for label in LABELS]
    return f"| {split} | {' | '.join(map(str, counts))} |"


_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (math.inf, "100K<n<1M"))


def _made(cases: Sequence[Case]) -> list[str]:
    return [f"{sum(case.made == made for case in cases)} {made}" for made in sorted({case.made for case in cases})]


def table(groups: Mapping[str, Figures]) -> str:
    """Figures of groups as a table of Markdown."""
    lines = ["| | claims | decided precision | decided recall | contradicted precision | contradicted recall |"]
    lines.append("|---|---|---|---|---|---|")
    for name, each in groups.items():
        rates = (
            each.decided_precision, each.decided_recall, each.precision("contradicted"), each.recall("contradicted")
        )  # fmt: skip
        lines.append(f"| {name} | {each.claims} | " + " | ".join(_percent(rate) for rate in rates) + " |")
    return "\n".join(lines)


def _percent(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.value:.1%} ({low:.1%} to {high:.1%})" if rate.trials else "–"


def read(out: Path) -> list[Case]:
    """A data set as `export` wrote it, or one of its files.

    Raises:
        TrainingError: it is none; the message names the file and the line.
    """
    paths = [out] if out.is_file() else [out / "data" / f"{split}.jsonl" for split in SPLITS]
    if not any(path.is_file() for path in paths):
        raise TrainingError(f"no claims in {out}; `journeyman claims export {out}` writes them")
    cases = [_case(row, where, path.stem) for path in paths if path.is_file() for where, row in _lines(path)]
    _check(cases)
    return cases


def _case(row: Mapping[str, Any], where: str, split: str) -> Case:
    if wrong := [name for name in FIELDS if not isinstance(row.get(name), str)]:
        raise TrainingError(f"{where}: no text in {', '.join(wrong)}")
    if row["label"] not in LABELS:
        raise TrainingError(f"{where}: label {row['label']!r} is none of {', '.join(LABELS)}")
    try:
        plain = json.loads(row["episode"])
        claim = Claim.model_validate({"kind": row["kind"], "subject": row["subject"]})
    except (ValueError, RecursionError, ValidationError) as error:
        raise TrainingError(f"{where}: {str(error).splitlines()[0]}") from error
    if not isinstance(plain, list) or not all(isinstance(step, dict) for step in plain):
        raise TrainingError(f"{where}: `episode` must be a list of steps")
    try:
        steps = steps_of(plain)
    except TrainingError as error:
        raise TrainingError(f"{where}: {error}") from error
    return Case(
        row["id"], row["episode_id"], "test" if split == "test" else "dev", row["made"], row["situation"], steps,
        claim, row["label"], row["why"],
    )  # fmt: skip


def read_predictions(path: Path) -> dict[str, Prediction]:
    """Predictions, a line each: {"id": …, "label": "supported"|"contradicted"|"unverifiable", "score": optional}.

    Raises:
        TrainingError: a line cannot be read, says no label, or says of a claim what another line says too.
    """
    found: dict[str, Prediction] = {}
    for where, row in _lines(path):
        id_, label, score = row.get("id"), row.get("label"), row.get("score")
        if not isinstance(id_, str):
            raise TrainingError(f"{where}: no `id`")
        if label not in LABELS:
            raise TrainingError(f"{where}: label {label!r} is none of {', '.join(LABELS)}")
        if score is not None and (
            not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score)
        ):
            raise TrainingError(f"{where}: `score` must be a finite number, not {score!r}")
        if id_ in found:
            raise TrainingError(f"{where}: a second prediction of {id_!r}")
        found[id_] = Prediction(label, None if score is None else float(score))
    return found


def score(cases: Sequence[Case], predictions: Mapping[str, Prediction]) -> Figures:
    """The figures of somebody's predictions: of all these claims, each predicted once.

    Raises:
        TrainingError: a claim has no prediction, or a prediction no claim.
    """
    ids = {case.id for case in cases}
    if missing := [case.id for case in cases if case.id not in predictions]:
        raise TrainingError(f"{_several(missing)} without a prediction; --split says which claims are meant")
    if strange := [id_ for id_ in predictions if id_ not in ids]:
        raise TrainingError(f"{_several(strange)} predicted, but not in the data; --split says which claims are meant")
    return figures((case.label, predictions[case.id]) for case in cases)


def _several(ids: Sequence[str]) -> str:
    return f"{len(ids)} claim{'s' * (len(ids) != 1)} ({', '.join(ids[:3])}{', …' * (len(ids) > 3)})"


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSONL file, each with its place in words."""
    try:
        with path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, 1):
                if not text.strip():
                    continue
                where = f"{path}:{number}"
                try:
                    row = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise TrainingError(f"{where}: not JSON: {str(error)[:100]}") from error
                if not isinstance(row, dict):
                    raise TrainingError(f"{where}: not an object")
                yield where, row
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path}: {getattr(error, 'strerror', None) or error}") from error

"""A suite's data card: what is really there, of what, how it was proven, and what was not made and why.

It is told from the record files alone, so it can be made at any time, and the same tasks give the same card.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journeyman import __version__
from journeyman.tasks.sources.ledger import KEPT, REJECTED
from journeyman.tasks.sources.project import ProjectRecipe
from journeyman.tasks.sources.project_make import PROJECTS, read_projects
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.suite_file import PROJECT, LibraryWish, Suite, suite_hash

CARD, PAGE = "card.json", "CARD.md"
UNMADE = "unmade.jsonl"
MOST_WORDS = 160
"""Characters of a reason on the page."""


def folder_of(wish: LibraryWish, out: Path) -> Path:
    """Where a library's tasks stand."""
    return out / wish.requirement.replace("==", "-")


def write_card(
    name: str, suite: Suite, wishes: Sequence[LibraryWish], out: Path, failed: Mapping[str, str]
) -> dict[str, Any]:
    """Write a suite's card as JSON and as Markdown, and return it.

    Args:
        wishes: the libraries that were in hand.
        failed: library → why it gave nothing more in this run.
    """
    card = card_of(name, suite, wishes, out, failed)
    for place, text in ((CARD, json.dumps(card, indent=1, ensure_ascii=False) + "\n"), (PAGE, page_of(card))):
        partial = out / f".{place}.part"
        partial.write_text(text, encoding="utf-8")
        partial.replace(out / place)
    return card


def card_of(
    name: str, suite: Suite, wishes: Sequence[LibraryWish], out: Path, failed: Mapping[str, str]
) -> dict[str, Any]:
    """The card as plain data."""
    libraries = [_library(wish, folder_of(wish, out), failed.get(wish.name, "")) for wish in wishes]
    tasks = [recipe for row in libraries for recipe in row.pop("tasks")]
    rejected: Counter[str] = sum((Counter(row["rejected"]) for row in libraries), Counter())
    trees = "".join(f"{recipe.name} {recipe.tree}\n" for recipe in sorted(tasks, key=lambda recipe: recipe.name))
    return {
        "suite": Path(name).stem,
        "about": suite.about,
        "asked": sum(sum(wish.counts.values()) for wish in wishes),
        "tasks": len(tasks),
        "libraries": len([row for row in libraries if sum(row["made"].values())]),
        "by_source": _count(_source(recipe) for recipe in tasks),
        "by_difficulty": _count(recipe.facts.get("difficulty", "unknown") for recipe in tasks),
        "by_language": _count(recipe.library.toolchain or "python" for recipe in tasks),
        "by_assurance": _count(recipe.assurance for recipe in tasks),
        "by_licence": _count(recipe.library.licence for recipe in tasks),
        "proofs": _count(f"reference {r.proof['reference']}, nothing {r.proof['noop']}" for r in tasks),
        "milestones": sum(len(recipe.parts) for recipe in tasks if isinstance(recipe, ProjectRecipe)),
        "rejected": dict(rejected.most_common()),
        "made_from": libraries,
        "journeyman": __version__,
        "suite_sha256": suite_hash(name),
        "tasks_sha256": hashlib.sha256(trees.encode()).hexdigest(),
    }


def _library(wish: LibraryWish, folder: Path, failed: str) -> dict[str, Any]:
    recipes: list[Recipe | ProjectRecipe] = list(read_recipes(folder / KEPT)) if (folder / KEPT).is_file() else []
    recipes += read_projects(folder / PROJECTS) if (folder / PROJECTS).is_file() else ()
    made = Counter(_source(recipe) for recipe in recipes)
    line = recipes[0].library if recipes else None
    unmade = {row["what"]: row["reason"] for row in _rows(folder / UNMADE)}
    return {
        "library": wish.requirement,
        "licence": line.licence if line else "",
        "sha256": line.sha256 if line else "",
        "requirements": list(line.requirements) if line else [],
        "asked": wish.counts,
        "made": {source: made[source] for source in wish.counts},
        "rejected": dict(Counter(row["reason"] for row in _rows(folder / REJECTED)).most_common()),
        "unmade": unmade | ({"everything else": failed} if failed else {}),
        "tasks": recipes,
    }


def _source(recipe: Recipe | ProjectRecipe) -> str:
    return PROJECT if isinstance(recipe, ProjectRecipe) else recipe.source


def _rows(path: Path) -> list[dict[str, str]]:
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def _count(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def page_of(card: dict[str, Any]) -> str:
    """The card for people."""
    text = [f"# {card['suite']}", ""]
    text += [card["about"], ""] if card["about"] else []
    libraries = "1 library" if card["libraries"] == 1 else f"{card['libraries']} libraries"
    number = f"{card['tasks']} proven tasks of {libraries}"
    text += [f"{number}; the suite's file asks for {card['asked']}.", ""]
    shown = ("source", "difficulty", "language", "assurance", "licence")
    text += ["| | |", "| --- | --- |"]
    text += [f"| {name} | {_said(card[f'by_{name}'])} |" for name in shown]
    text += [f"| proofs | {_said(card['proofs'])} |", f"| milestones | {card['milestones']} |", ""]
    text += ["| library | licence | mutation | removal | project | SHA-256 of its archive |", "| --- " * 6 + "|"]
    for row in card["made_from"]:
        cells = [f"{row['made'][source]} of {asked}" if asked else "" for source, asked in row["asked"].items()]
        text.append(f"| {row['library']} | {row['licence']} | {' | '.join(cells)} | {row['sha256'][:16]} |")
    unmade = [f"- tried in vain: {_said(card['rejected'])}"] if card["rejected"] else []
    unmade += [
        f"- {row['library']}, {what}: {' '.join(reason.split())[:MOST_WORDS]}"
        for row in card["made_from"]
        for what, reason in row["unmade"].items()
    ]
    text += ["", "## Not made", "", *unmade] if unmade else []
    hashes = f"the suite's file has SHA-256 {card['suite_sha256'][:16]}, the tasks' trees together"
    text += ["", f"Journeyman {card['journeyman']}; {hashes} {card['tasks_sha256'][:16]}."]
    return "\n".join(text) + "\n"


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"

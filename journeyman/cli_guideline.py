"""`journeyman guideline`: what people want of a policy, as items; and how well episodes keep to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import FAILED, JsonOption, RunOption, example, open_run, print_json
from journeyman.envs.guidelines.compare import Comparison, ItemChange, compare
from journeyman.envs.guidelines.guideline import Guideline, Item, bundled, load_guideline
from journeyman.envs.guidelines.lint import Doubt, lint
from journeyman.envs.guidelines.prompt import prompt_text
from journeyman.envs.guidelines.rules import RULES, Adherence, ItemFinding, adherence
from journeyman.terminal import line, out, plain_table, plural, visible

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Write down what is wanted of a policy, and check episodes."
)

GuidelineArgument = Annotated[
    str, typer.Argument(metavar="GUIDELINE", help="A bundled one's name, or a TOML file.", show_default=False)
]
STYLES = {True: "green", False: "red", None: "dim"}
WORDS = {True: "kept", False: "not kept", None: "–"}
EVIDENCE = 3
"""Episodes of which the evidence is shown, item by item; of more the counts are, and the first that broke it."""


@app.callback()
def guideline() -> None:
    """Write down what is wanted of a policy, and check episodes."""


@app.command("list", epilog=example("journeyman guideline list", "journeyman guideline list --rules"))
def list_guidelines(
    rules: Annotated[
        bool, typer.Option("--rules", help="The rules that an item can name, with their settings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the guidelines that come with the package, or the rules."""
    if rules:
        _list_rules(as_json)
        return
    found = [load_guideline(name) for name in bundled()]
    if as_json:
        print_json([{"name": g.name, "version": g.version, "title": g.title, "items": len(g.items)} for g in found])
        return
    table = plain_table("guideline", "items", "title")
    for each in found:
        table.add_row(f"{each.name}@{each.version}", str(len(each.items)), Text(line(each.title)))
    out.print(table)


@app.command(epilog=example("journeyman guideline show conduct", "journeyman guideline show ./mine.toml --prompt"))
def show(
    name: GuidelineArgument,
    prompt: Annotated[bool, typer.Option("--prompt", help="Exactly what a policy reads.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="The short form that `NAME:brief` tells a policy.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a guideline's items: what is asked, how it is checked, and examples."""
    found = load_guideline(name)
    if as_json:
        digests = [{**item.model_dump(mode="json"), "digest": item.digest} for item in found.items]
        print_json({**found.model_dump(mode="json"), "items": digests, "prompt": prompt_text(found)})
    elif prompt or brief:
        typer.echo(visible(prompt_text(found, brief=brief)))
    else:
        out.print(Text(f"{line(found.title)}  {found.name}@{found.version}", "bold"))
        for item in found.items:
            for text in _item_lines(item):
                out.print(text, soft_wrap=True)


@app.command("lint", epilog=example("journeyman guideline lint conduct", "journeyman guideline lint ./a.toml ./b.toml"))
def lint_guidelines(
    names: Annotated[list[str], typer.Argument(metavar="GUIDELINE...", help="Bundled ones' names, or TOML files.")],
    as_json: JsonOption = False,
) -> None:
    """Say what is doubtful in guidelines: unknown rules, contradictions, vague words, items without examples.

    Exits with 1 when there is an error; a warning is for you to judge.
    """
    found = {name: lint(load_guideline(name)) for name in names}
    if as_json:
        print_json(found)
    else:
        for name, doubts in found.items():
            _say_doubts(name, doubts)
    if any(doubt.level == "error" for doubts in found.values() for doubt in doubts):
        raise typer.Exit(FAILED)


@app.command(
    epilog=example("journeyman guideline diff ./old.toml ./new.toml", "journeyman guideline diff a.toml b.toml --json")
)
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A bundled one's name, or a TOML file.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another version of it.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a new version changes, and of which items the feedback given before is stale.

    Exits with 1 when the new one cannot follow the old one: the same version must always mean the same.
    """
    found = compare(load_guideline(old), load_guideline(new))
    if as_json:
        print_json(_comparison_json(found))
    else:
        _say_comparison(found)
    if found.error:
        raise typer.Exit(FAILED)


@app.command(
    epilog=example("journeyman guideline check conduct", "journeyman guideline check ./mine.toml last best --run demo")
)
def check(
    name: GuidelineArgument,
    episodes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EPISODE]...", help='Ids, their beginnings, "last", "best". Default: all of the run.'),
    ] = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check episodes by the rules of a guideline: item by item, with the steps that show it.

    What a person or a judge model decides is named, and left open. Exits with 1 when a `must` or `must_not` is broken.
    """
    wanted, store = load_guideline(name), open_run(run)
    chosen = map(store.get, episodes) if episodes else store.episodes()
    found = [adherence(wanted, each) for each in chosen]
    if as_json:
        print_json({
            "run": store.folder, "guideline": wanted.name, "version": wanted.version, "score": _mean(found),
            "episodes": [_adherence_json(each) for each in found],
        })  # fmt: skip
    else:
        _say_adherence(wanted, found)
    if any(each.broken for each in found):
        raise typer.Exit(FAILED)


def _list_rules(as_json: bool) -> None:
    if as_json:
        print_json([
            {"rule": rule.name, "about": rule.about,
             "settings": {key: field.default for key, field in rule.settings.model_fields.items()}}
            for rule in RULES.values()
        ])  # fmt: skip
        return
    table = plain_table("rule", "kept when", "settings")
    for rule in RULES.values():
        settings = ", ".join(
            key if isinstance(field.default, tuple) or field.default is None else f"{key} = {field.default}"
            for key, field in rule.settings.model_fields.items()
        )
        table.add_row(rule.name, rule.about.replace("`", ""), settings)
    out.print(table)


def _item_lines(item: Item) -> Iterable[Text]:
    kind = item.kind.replace("_", " ")
    yield Text.assemble("\n", (item.id, "bold cyan"), (f"  {kind}, weight {item.weight:g}, {_decides(item)}", "dim"))
    yield Text(f"  {line(item.text)}")
    yield from (Text(f"  + {line(each)}", "green") for each in item.good)
    yield from (Text(f"  - {line(each)}", "red") for each in item.bad)


def _decides(item: Item) -> str:
    if item.check.by != "rule":
        return f"by a {item.check.by}"
    settings = ", ".join(f"{key} = {value}" for key, value in item.check.settings.items())
    return line(f"by rule {item.check.rule}" + (f" ({settings})" if settings else ""))


def _say_doubts(name: str, doubts: Sequence[Doubt]) -> None:
    if not doubts:
        out.print(Text(f"{line(name)}: nothing doubtful", "green"), soft_wrap=True)
    for doubt in doubts:
        out.print(
            Text(f"{line(name)}: {line(str(doubt))}", "red" if doubt.level == "error" else "yellow"), soft_wrap=True
        )


def _say_comparison(found: Comparison) -> None:
    out.print(Text(f"{found.new.name}: version {found.old.version} to {found.new.version}", "bold"))
    for change in found.changes:
        out.print(_change_text(change), soft_wrap=True)
    stale = sum(change.stale for change in found.changes)
    out.print(
        Text(f"feedback by {plural(stale, 'item')} becomes stale" if stale else "no feedback becomes stale", "dim")
    )
    if found.error:
        out.print(Text(f"error: {line(found.error)}", "red"), soft_wrap=True)


def _change_text(change: ItemChange) -> Text:
    text = Text.assemble((f"{change.became.value:<12}", "yellow" if change.stale else "green"), f" {change.id}")
    old, new = change.old, change.new
    if old is not None and new is not None and old.text != new.text:
        text.append(f"\n  - {line(old.text)}", "red").append(f"\n  + {line(new.text)}", "green")
    elif old is not None and new is not None and change.stale:
        before, after = (f"{each.kind}, {_decides(each)}" for each in (old, new))
        text.append(f"  {before} → {after}", "dim")
    elif old is not None and new is not None and old.weight != new.weight:
        text.append(f"  {old.weight:g} → {new.weight:g}", "dim")
    return text


def _comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "guideline": found.new.name, "from": found.old.version, "to": found.new.version, "error": found.error,
        "changes": [{"item": c.id, "became": c.became.value, "stale": c.stale} for c in found.changes],
    }  # fmt: skip


def _say_adherence(wanted: Guideline, found: Sequence[Adherence]) -> None:
    out.print(Text(f"{line(wanted.title)}  {wanted.name}@{wanted.version}", "bold"))
    if len(found) <= EVIDENCE:
        for each in found:
            out.print(Text(f"\n{each.episode}  score {_number(each.score)}", "bold"))
            out.print(_evidence(each.items))
        return
    table = plain_table("item", "kind", "kept", "first not kept")
    for number, item in enumerate(wanted.items):
        told = [(each.episode, each.items[number].finding) for each in found]
        decided = [(id_, it) for id_, it in told if it.kept is not None]
        first = next((f"{id_}: {line(it.evidence)}" for id_, it in decided if not it.kept), "")
        count = f"{sum(bool(it.kept) for _, it in decided)} of {len(decided)}" if decided else "–"
        table.add_row(item.id, item.kind, count, Text(first or ("" if decided else line(told[0][1].evidence))))
    out.print(table)
    broken = sum(bool(each.broken) for each in found)
    said = f"{plural(len(found), 'episode')}, mean score {_number(_mean(found))}, {broken} with a must that is not kept"
    out.print(Text(said, "dim"))


def _evidence(items: Sequence[ItemFinding]) -> Table:
    table = plain_table("item", "kind", "", "what shows it")
    for each in items:
        kept = each.finding.kept
        table.add_row(each.item.id, each.item.kind, Text(WORDS[kept], STYLES[kept]), Text(line(each.finding.evidence)))
    return table


def _adherence_json(found: Adherence) -> dict[str, Any]:
    return {
        "episode": found.episode,
        "score": found.score,
        "items": [
            {"item": str(each.ref), "digest": each.ref.digest, "kind": each.item.kind, "by": each.item.check.by,
             "rule": each.item.check.rule, "weight": each.item.weight, "kept": each.finding.kept,
             "value": each.finding.value, "evidence": each.finding.evidence, "steps": each.finding.steps}
            for each in found.items
        ],
    }  # fmt: skip


def _mean(found: Sequence[Adherence]) -> float | None:
    scores = [each.score for each in found if each.score is not None]
    return sum(scores) / len(scores) if scores else None


def _number(score: float | None) -> str:
    return "–" if score is None else f"{score:.2f}"

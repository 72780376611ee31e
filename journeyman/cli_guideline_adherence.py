"""`journeyman guideline adherence` and `… judge`: does a run follow its guideline, to its end, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, RunOption, example, find_run, interruptible, print_json
from journeyman.cli_feedback import judged_in
from journeyman.cli_guideline import app
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.policies.policy import TokenLimit
from journeyman.terminal import err, line, out, plural
from journeyman.training.feedback.critic import asking, open_critic
from journeyman.training.skills.adherence import Adherence, adherence_of
from journeyman.training.skills.contrast import Contrast, Cost, Played, contrast, cost_of
from journeyman.training.skills.judge import Judgement, judge, judge_of, judged_by

GuidelinesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--guideline",
        metavar="NAME|FILE",
        help="What to judge by: one for all runs, or one for each. Default: what the run's policy was told.",
    ),
]


@app.command(
    "adherence",
    epilog=example(
        "journeyman guideline adherence terse --guideline terse-senior",
        "journeyman guideline adherence terse mentor --against plain",
    ),
)
def adherence_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or names below ./runs.")],
    guideline: GuidelinesOption = None,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run of the same tasks without the guideline: what it costs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how well runs keep to their guidelines: item by item, third by third of an episode, with intervals.

    Several runs, each with a guideline of its own, are scored by every one of them: what another persona's run keeps as
    well is no sign of following. What people or a judge model said of an item in the run's feedback stands beside it;
    where nobody did, it is not measured.
    """
    stores = [EpisodeStore(find_run(run)) for run in runs]
    if len({store.folder.resolve() for store in stores}) != len(stores):
        raise CannotError("a run is named twice; name each once")
    played = _played(stores, guideline or ())
    pairs = zip(stores, played, strict=True)
    found = [adherence_of(each.episodes, each.guideline, judged_in(store)[1]) for store, each in pairs]
    table = contrast(played) if len({each.guideline.name for each in played}) == len(played) > 1 else None
    costs = _costs(played, against)
    if as_json:
        print_json({
            "runs": [{"run": each.name, **one.to_dict()} for each, one in zip(played, found, strict=True)],
            "contrast": table.to_dict() if table else None, "costs": [cost.to_dict() for cost in costs],
        })  # fmt: skip
        return
    _say(played, found, table, costs)


@app.command(
    "judge",
    epilog=example(
        "journeyman guideline judge --run mentor --judge endpoint:http://localhost:8000/v1#qwen",
        "journeyman guideline judge --judge local:Qwen/Qwen2.5-Coder-1.5B-Instruct --guideline terse-senior",
    ),
)
def judge_command(
    model: Annotated[str, typer.Option("--judge", help="The model: endpoint:URL#MODEL or local:MODEL.")],
    run: RunOption = None,
    guideline: GuidelinesOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many episodes, the oldest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Ask a judge model of every item of a guideline, those that rules decide among them.

    Its answers are kept in the run's feedback as drafts of an annotator "judge.MODEL": they train nothing. `journeyman
    guideline adherence` shows them beside how far they agree with the rules. An episode that it has judged is passed
    over.
    """
    store = EpisodeStore(find_run(run))
    (each,) = _played([store], guideline or ())
    log = FeedbackLog(store.folder)
    done = judged_by(log.read().entries, each.guideline, model)
    todo = [episode for episode in each.episodes if episode.steps and episode.id not in done][:limit]
    try:
        policy = open_critic(model)
    except ValueError as error:
        raise CannotError(str(error).replace("critic", "judge")) from error
    found: list[Judgement] = []
    with closing(policy), interruptible("every finished episode's answers are kept"):
        ask = asking(policy)
        for episode in track(todo, "judging", console=err, transient=True):
            try:
                judgement = judge(episode, each.guideline, ask, model)
            except TokenLimit as error:
                judgement = Judgement((), (str(error),), tuple(item.id for item in each.guideline.items))
            if judgement.scores:
                log.keep_guideline(each.guideline, judge_of(model), f"judge:{model}"[:100])
                log.write(*judgement.scores)
            found.append(judgement)
    _say_judged(model, found, len(done), as_json)


def _played(stores: Sequence[EpisodeStore], names: Sequence[str]) -> list[Played]:
    if len(names) not in (0, 1, len(stores)):
        raise CannotError(
            f"{plural(len(names), '--guideline')} for {plural(len(stores), 'run')}: one for all, or each its own"
        )
    folders = [store.folder.name for store in stores]
    found = []
    for number, store in enumerate(stores):
        episodes = tuple(track(list(store.episodes()), "reading", console=err, transient=True))
        if not episodes:
            raise CannotError(f"{store.folder} holds no finished episode")
        given = names[number if len(names) > 1 else 0] if names else ""
        name = store.folder.name if folders.count(store.folder.name) == 1 else str(store.folder)
        found.append(Played(name, load_guideline(given) if given else _told(store, episodes), episodes))
    return found


def _told(store: EpisodeStore, episodes: Sequence[Episode]) -> Guideline:
    """The guideline that a run's policy was told of."""
    told = {str(each.get("name")) for episode in episodes for each in episode.config.get("guidelines") or ()}
    if len(told) != 1:
        what = f"was told of {len(told)} guidelines ({', '.join(sorted(told))})" if told else "was told of no guideline"
        raise CannotError(f"the policy of {store.folder} {what}; say by which to judge: --guideline NAME")
    name = told.pop()
    try:
        return load_guideline(name)
    except GuidelineError as error:
        if (kept := FeedbackLog(store.folder).read().guidelines().get(name)) is not None:
            return kept
        raise CannotError(f"{store.folder}: {error}; give its file: --guideline FILE") from error


def _costs(played: Sequence[Played], against: Path | None) -> list[Cost]:
    if against is None:
        return []
    other = EpisodeStore(find_run(against))
    episodes = tuple(other.episodes())
    return [cost_of(each.name, each.episodes, other.folder.name, episodes) for each in played]


def _say(played: Sequence[Played], found: Sequence[Adherence], table: Contrast | None, costs: Sequence[Cost]) -> None:
    for each, one in zip(played, found, strict=True):
        out.print(Text(line(each.name), "bold"))
        for text in one.lines():
            out.print(Text(f"  {line(text)}"), soft_wrap=True)
    if table is not None:
        out.print(Text("each run by each guideline", "bold"))
        for text in table.lines():
            out.print(Text(f"  {line(text)}"), soft_wrap=True)
    if costs:
        out.print(Text("what it costs", "bold"))
    for cost in costs:
        for text in cost.lines():
            out.print(Text(f"  {line(text)}"), soft_wrap=True)


def _say_judged(model: str, found: Sequence[Judgement], before: int, as_json: bool) -> None:
    bad = [why for each in found for why in each.malformed]
    kept, left = sum(len(each.scores) for each in found), sum(len(each.unanswered) for each in found)
    if as_json:
        print_json({"judge": judge_of(model), "episodes": len(found), "judged_before": before, "answers": kept,
                    "unanswered": left, "malformed": len(bad), "why": bad})  # fmt: skip
        return
    said = f"{plural(kept, 'answer')} on {plural(len(found), 'episode')}; {left} left out, {len(bad)} could not be read"
    out.print(Text(said + (f"; {plural(before, 'episode')} judged before" if before else "")))
    for why in bad[:5]:
        out.print(Text(f"  {line(why)[:200]}", "dim"))

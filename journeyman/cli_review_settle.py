"""`journeyman review adjudicate`, `draft` and `critic`: what annotators say differently, and what a model drafts."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, example, interruptible, print_json
from journeyman.cli_review import GuidelineOption, OpenOption, RunArgument, WhoOption, app, reviewer_of
from journeyman.envs.episode import Episode
from journeyman.policies.policy import TokenLimit
from journeyman.review_adjudicate import adjudicate, conflicts
from journeyman.review_keys import Keys
from journeyman.reviewer import Reviewer
from journeyman.terminal import err, line, out, plural
from journeyman.training.feedback.critic import Ask, Drafted, annotator_of, answered, asking, draft, open_critic


@app.command(
    "adjudicate",
    epilog=example("journeyman review adjudicate default --as cy", "journeyman review adjudicate default --json"),
)
def adjudicate_command(
    run: RunArgument = None, who: WhoOption = "", open_: OpenOption = False, as_json: JsonOption = False
) -> None:
    """Settle what annotators say differently: show each conflict, ask which word holds, and why.

    Who said what is hidden unless asked for with `--open`. `--json` lists the conflicts and asks nothing.
    """
    reviewer = reviewer_of(run, who, None, blind=not open_)
    if as_json:
        print_json({"run": reviewer.store.folder, "conflicts": conflicts(reviewer)})
        return
    with Keys() as keys:
        settled, left = adjudicate(reviewer, keys)
    out.print(Text(f"{plural(settled, 'conflict')} settled, {left} left", "dim"))


@app.command(
    "draft",
    epilog=example(
        "journeyman review draft default --critic local:smollm2-135m --guideline conduct",
        "journeyman review draft default --critic endpoint:http://localhost:8000/v1#qwen --limit 20",
    ),
)
def draft_command(
    run: RunArgument = None,
    critic: Annotated[str, typer.Option(help="The model: endpoint:URL#MODEL or local:MODEL.")] = "",
    guideline: GuidelineOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many episodes, the oldest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Let a critic model draft critiques, for people to accept, edit or reject in `journeyman review`.

    A draft counts for nothing until a person has accepted it. An episode that this critic has drafted for is passed
    over. Lines that cannot be read are counted, with the reason.
    """
    reviewer = reviewer_of(run, "journeyman", guideline)
    by = annotator_of(critic)
    seen = {getattr(e, "episode", "") for e in reviewer.log.read().entries if e.draft and e.annotator == by}
    todo = [each for each in reviewer.store.episodes() if each.steps and each.id not in seen][:limit]
    try:
        policy = open_critic(critic)
    except ValueError as error:
        raise CannotError(str(error)) from error
    with closing(policy), interruptible("every finished episode's drafts are kept"):
        ask = asking(policy)
        done = {
            each.id: _drafted(reviewer, each, ask, critic)
            for each in track(todo, "drafting", console=err, transient=True)
        }
    kept = sum(len(each.drafts) for each in done.values())
    bad = [(id_, why) for id_, each in done.items() for why in each.malformed]
    if as_json:
        print_json({
            "critic": critic, "episodes": len(done), "drafts": kept, "malformed": len(bad),
            "why": [f"{id_}: {why}" for id_, why in bad],
        })  # fmt: skip
    else:
        counted = f"{plural(kept, 'draft')} for {plural(len(done), 'episode')}; {len(bad)} could not be read"
        out.print(Text(counted))
        for id_, why in bad[:5]:
            out.print(Text(f"  {line(id_)}: {line(why)[:200]}", "dim"))


def _drafted(reviewer: Reviewer, episode: Episode, ask: Ask, critic: str) -> Drafted:
    """What the critic drafts of one episode, kept at once; one too long for it counts as an unreadable answer."""
    try:
        found = draft(episode, reviewer.guidelines, ask, critic)
    except TokenLimit as error:
        return Drafted((), (str(error),))
    reviewer.keep(*found.drafts)
    return found


@app.command("critic", epilog=example("journeyman review critic default", "journeyman review critic default --json"))
def critic_command(run: RunArgument = None, as_json: JsonOption = False) -> None:
    """Say how good critic models are: which share of their drafts people accepted, with its 95% interval."""
    found = answered(reviewer_of(run, "journeyman", None).judged())
    if as_json:
        print_json([
            {"critic": each.critic, "category": each.category, "accepted": each.accepted.to_dict(),
             "edited": each.edited, "rejected": each.rejected, "waiting": each.waiting}
            for each in found
        ])  # fmt: skip
        return
    if not found:
        out.print(Text("no critic has drafted anything here: `journeyman review draft RUN --critic MODEL`", "yellow"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("critic", "category", "accepted", "edited", "rejected", "waiting"):
        table.add_column(name, justify="left" if name in ("critic", "category", "accepted") else "right")
    for each in found:
        table.add_row(Text(line(each.critic)), each.category, str(each.accepted), str(each.edited),
                      str(each.rejected), str(each.waiting))  # fmt: skip
    out.print(table)

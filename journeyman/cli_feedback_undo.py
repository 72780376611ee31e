"""`journeyman feedback undo` and `forget`: taking back one thing, and taking out all that somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from journeyman.cli_common import CannotError, JsonOption, RunOption, example, open_run, print_json
from journeyman.cli_feedback import TERMINAL, AnnotatorOption, by_prefix, feedback_app
from journeyman.envs.feedback.entry import Critique, Undo, summary
from journeyman.envs.feedback.forget import Forgotten, forget
from journeyman.envs.feedback.log import FeedbackLog, now
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.standing import finder, standing
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.reviews import ORIGIN
from journeyman.envs.store import EpisodeStore
from journeyman.reviewer import forget_mark
from journeyman.terminal import line, out
from journeyman.training.feedback.refine import refined_beside


@feedback_app.command(
    "undo",
    epilog=example(
        "journeyman feedback undo last --annotator ada", "journeyman feedback undo 0pq7k --annotator ada --run demo"
    ),
)
def undo(
    entry_id: Annotated[
        str, typer.Argument(metavar="ID", help='An entry\'s id, its unique beginning, or "last": what you said last.')
    ],
    annotator: AnnotatorOption,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back something that you said, or an undo of it. It stays in the log, and counts for nothing."""
    store = open_run(run)
    log = FeedbackLog(store.folder)
    judged = standing(log.read(), lambda _: None, {})
    own = [each.entry for each in judged if each.entry.annotator == annotator and Mark.UNDONE not in each.marks]
    if entry_id == "last":
        if not (said := [entry for entry in own if entry.kind not in ("undo", "guideline")]):
            raise CannotError(f"{annotator} has said nothing in {store.folder} that is not taken back")
        entry = said[-1]
    else:
        entry = by_prefix((each.entry for each in judged), entry_id)
        if entry.annotator != annotator:
            raise CannotError(f"{entry.id} was said by {entry.annotator}; only who said it takes it back")
        if entry not in own:
            raise CannotError(f"{entry.id} is taken back already")
    if any(each.entry.id == entry.id and each.entry != entry for each in judged):
        raise CannotError(f"several entries are called {entry.id}, so none of them is used, or can be taken back")
    origin = entry.origin if entry.by_rule else TERMINAL
    back = Undo(
        id=new_episode_id(), annotator=annotator, at=now(), origin=origin, simulated=entry.simulated, of=entry.id
    )
    log.write(back)
    if as_json:
        print_json({"id": back.id, "of": back.of})
    else:
        out.print(Text(f"{back.id}  takes back {entry.id}: {line(summary(entry))}"), soft_wrap=True)


@feedback_app.command(
    "forget", epilog=example("journeyman feedback forget ada", "journeyman feedback forget ada --run demo --yes")
)
def forget_annotator(
    annotator: Annotated[str, typer.Argument(metavar="ANNOTATOR", help="Whose feedback goes.")],
    run: RunOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this, only what would go is said.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take all that somebody said out of a run's feedback, with what others said about it, so that no trace stays.

    Guidelines stay that were read, under nobody's name. What was compiled from it before has to be compiled again, and
    what was refined by it beside the run, which is named, refined again.
    Comments that a policy read while its episode ran stay in what it read: that is the episode itself.
    """
    store = open_run(run)
    gone = forget(store.folder, annotator, dry_run=not yes)
    read_in = _read_in(store, gone)
    refined = refined_beside(store.folder, (*gone.entries, *gone.about)) if gone else []
    if yes:
        forget_mark(store.folder, annotator)
    if as_json:
        ids = {"entries": [entry.id for entry in gone.entries], "about": [entry.id for entry in gone.about]}
        lines = [each.number for each in gone.lines]
        renamed = [entry.id for entry in gone.renamed]
        rest = {"guidelines": renamed, "unreadable": lines, "mentioned_in": gone.mentioned, "read_in": read_in}
        rest["refined"] = refined
        print_json({"run": store.folder, "annotator": annotator, "done": yes, **ids, **rest})
        return
    _say(gone, annotator, yes)
    _say_refined(refined, annotator)
    for id_ in read_in:
        said = f"{id_} stays as it was: its policy read comments of {line(annotator)} while it ran, and acted on them"
        out.print(Text(said, "yellow"), soft_wrap=True)


def _say_refined(refined: Sequence[Path], annotator: str) -> None:
    for folder in refined:
        said = f"{line(str(folder))} holds what was played after critiques of {line(annotator)}"
        mend = "the same `journeyman feedback refine` again takes it out, and a round when it compiles next"
        out.print(Text(f"{said}: {mend}", "yellow"), soft_wrap=True)


def _read_in(store: EpisodeStore, gone: Forgotten) -> list[str]:
    """The episodes whose record holds comments, as a policy read them."""
    made = {entry.episode for entry in gone.entries if isinstance(entry, Critique) and entry.origin == ORIGIN}
    found = map(finder(store), sorted(made))
    return [each.id for each in found if each is not None and any(step.review for step in each.steps)]


def _say(gone: Forgotten, annotator: str, done: bool) -> None:
    name = line(annotator)
    for entry in (*gone.entries, *gone.about):
        out.print(Text(f"{entry.id}  {line(entry.annotator)}  {entry.kind}  {line(summary(entry))}"), soft_wrap=True)
    for each in gone.lines:
        out.print(Text(f"line {each.number}, which is no entry"), soft_wrap=True)
    if not gone:
        out.print(f"nothing that {name} said is here", markup=False)
    else:
        verb = "gone" if done else "would go (--yes does it)"
        out.print(
            f"{verb}: {len(gone.entries)} entries of {name}, {len(gone.about)} of others about them, "
            f"{len(gone.lines)} unreadable lines; {len(gone.renamed)} guidelines stay under nobody's name",
            markup=False, soft_wrap=True,
        )  # fmt: skip
        if done:
            again = "compile again what was compiled from it (`journeyman feedback compile`), and train again"
            out.print(Text(again, "yellow"), soft_wrap=True)
    for id_ in gone.mentioned:
        out.print(Text(f"{id_} stays, and names {name} in its words: who said it can take it back", "yellow"))

"""Other agents' trajectories become episodes; what is no trajectory is one clear line."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.envs.actions import TokenTurn
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.formats import inspect_log
from journeyman.envs.formats.assemble import IMPORTED, NOT_MAPPED
from journeyman.envs.formats.atif import from_atif, to_atif
from journeyman.envs.formats.chat import to_chat
from journeyman.envs.formats.reading import TrajectoryError
from journeyman.envs.formats.trajectories import Source, detect, read_trajectories
from tests.envs.formats.atif_rules import mistakes

FIXTURES = Path(__file__).parents[2] / "fixtures" / "trajectories"
SOURCES = {
    "mini-tool.traj.json": Source.MINI_SWE_AGENT, "mini-text.traj.json": Source.MINI_SWE_AGENT,
    "swe-agent.traj": Source.SWE_AGENT, "swe-agent-demonstration.traj": Source.SWE_AGENT,
    "inspect.json": Source.INSPECT, "openhands.jsonl": Source.OPENHANDS, "openhands-sdk.jsonl": Source.OPENHANDS,
    "atif.json": Source.ATIF,
}  # fmt: skip


def read(name: str) -> Episode:
    (episode,) = read_trajectories(FIXTURES / name)
    return episode


def calls(episode: Episode) -> list[tuple[str, dict[str, Any], str]]:
    return [(step.action.tool, dict(step.action.arguments), step.observation.text) for step in episode.steps]


def test_mini_swe_agent_with_tool_calls() -> None:
    episode = read("mini-tool.traj.json")
    assert episode.first.text == "You are a helpful assistant.\n\nPlease solve this: Write f."
    (first, second, last) = calls(episode)
    assert first[0] == "bash" and first[1]["command"].endswith("cat f.py") and "def f(): return 1" in first[2]
    assert second[1] == {"command": "false"} and not episode.steps[1].observation.ok, "it returned 1"
    assert last[1]["command"].startswith("echo COMPLETE_TASK") and episode.stop is StopReason.REPORTED
    assert episode.steps[0].action.text == "I look first." and episode.steps[0].duration_s > 0
    assert episode.versions[IMPORTED] == "mini-swe-agent-1.1" and episode.versions["mini-swe-agent"] == "2.4.6"
    assert "costs" in episode.versions[NOT_MAPPED] and episode.reward is None


def test_mini_swe_agent_with_commands_in_its_text() -> None:
    episode = read("mini-text.traj.json")
    assert calls(episode)[0][1] == {"command": "ls"} and len(episode.steps) == 2
    assert episode.steps[0].action.text.startswith("THOUGHT: look") and "f.py" in episode.steps[0].observation.text


def test_a_turn_that_its_own_harness_could_not_read_is_malformed(tmp_path: Path) -> None:
    refusal = {
        "role": "user",
        "content": "Give one action.",
        "extra": {"interrupt_type": "FormatError", "model_response": "er…"},
    }
    limit = {"role": "exit", "content": "LimitsExceeded", "extra": {"exit_status": "LimitsExceeded"}}
    data = {"trajectory_format": "mini-swe-agent-1.1", "info": {"exit_status": "LimitsExceeded"},
            "messages": [{"role": "user", "content": "Do."}, refusal, limit]}  # fmt: skip
    (tmp_path / "a.traj.json").write_text(json.dumps(data))
    (episode,) = read_trajectories(tmp_path / "a.traj.json")
    (step,) = episode.steps
    assert (step.action.tool, step.action.text, step.observation.ok) == ("malformed", "er…", False)
    assert step.observation.text == "Give one action.\n\nLimitsExceeded" and episode.stop is StopReason.STEP_LIMIT


def test_swe_agent_and_its_demonstrations() -> None:
    episode = read("swe-agent.traj")
    assert episode.first.text == "SETTING: You are a programmer.\n\nMend f.", "without the demonstration"
    assert (
        calls(episode)[0] == ("bash", {"command": "ls -F"}, "f.py\n") and episode.steps[0].action.text == "Let me look."
    )
    assert episode.stop is StopReason.REPORTED and "query" in episode.versions[NOT_MAPPED]
    assert calls(read("swe-agent-demonstration.traj")) == [("open", {"path": "f.py"}, "1:def f(): return 1")]


def test_inspect_gives_an_episode_a_sample_with_its_score() -> None:
    solved, failed = read_trajectories(FIXTURES / "inspect.json")
    assert calls(solved)[0][:2] == ("add", {"x": 2, "y": 3}) and calls(solved)[0][2] == "5"
    assert calls(solved)[1] == ("message", {"text": "The sum is 5."}, "")
    assert (solved.task, solved.policy) == ("sums/a", "inspect (mockllm/model)")
    assert [(each.reward, each.terms[0].name) for each in (solved, failed)] == [(1.0, "includes"), (0.0, "includes")]


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 93])
def test_inspects_archive_says_the_same_as_its_json(tmp_path: Path, packing: int) -> None:
    if packing == 93:
        pytest.importorskip("zipfile_zstd", reason="not installed: pip install 'journeyman[formats]'")
    log = json.loads((FIXTURES / "inspect.json").read_text())
    samples = log.pop("samples")
    with zipfile.ZipFile(tmp_path / "a.eval", "w", packing) as archive:
        archive.writestr("_journal/start.json", "{}")
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
        archive.writestr("header.json", json.dumps(log))
    assert [calls(each) for each in read_trajectories(tmp_path / "a.eval")] == [
        calls(each) for each in read_trajectories(FIXTURES / "inspect.json")
    ]


def test_openhands_of_both_ages() -> None:
    new, old = read("openhands-sdk.jsonl"), read("openhands.jsonl")
    assert new.first.text == "You are OpenHands.\n\nMend f." and old.first.text == "Mend f."
    assert calls(new) == [
        ("terminal", {"command": "ls"}, "f.py"), ("file_editor", {"command": "view"}, "path is missing"),
        ("finish", {"message": "Done."}, ""),
    ]  # fmt: skip
    assert calls(old)[0] == ("run", {"command": "ls"}, "f.py") and old.steps[0].action.text == "Let me look."
    assert (
        new.steps[0].duration_s == 2.0
        and not new.steps[1].observation.ok
        and new.steps[0].action.text == "Hm.\nLet me look."
    )
    assert new.stop is old.stop is StopReason.REPORTED and old.task == "ada__parcel-1"
    assert "ConversationStateUpdateEvent" in new.versions[NOT_MAPPED] and "test_result" in old.versions[NOT_MAPPED]


def test_atif_of_another_agent() -> None:
    episode = read("atif.json")
    assert calls(episode) == [
        ("report (theirs)", {"text": "no report of ours"}, "noted"), ("shell", {"cmd": ["ls"]}, "f.py"),
        ("message", {"text": "Done."}, "Thank you."),
    ]  # fmt: skip
    assert episode.first.text == "You are an agent.\n\nMend f." and episode.policy == "codex (m)"
    assert episode.steps[0].action.tokens == TokenTurn((), (7, 8), (-0.1, -0.2)) and not episode.steps[1].action.tokens
    assert "images" in episode.versions[NOT_MAPPED] and "costs" in episode.versions[NOT_MAPPED]
    assert episode.versions[IMPORTED] == "ATIF-v1.6"


@pytest.mark.parametrize("name", SOURCES)
def test_the_format_is_told_by_what_a_file_holds_and_episodes_go_on_from_there(name: str, tmp_path: Path) -> None:
    renamed = tmp_path / "unknown"
    renamed.write_bytes((FIXTURES / name).read_bytes())
    for episode in read_trajectories(renamed):
        trajectory = to_atif(episode)
        assert from_atif(trajectory) == episode and mistakes(trajectory) == []
        assert "tool_definitions" not in trajectory["agent"] and to_chat(episode)["tools"] == "[]", "not our tools"
    assert [calls(each) for each in read_trajectories(renamed, SOURCES[name])] == [
        calls(each) for each in read_trajectories(renamed)
    ]


DEEP = "[" * 100_000
BAD = {
    "empty": b"", "no json": b"{'a': 1}", "binary": bytes(range(256)), "deep": DEEP.encode(),
    "deep arguments": json.dumps({"schema_version": "ATIF-v1.5", "agent": {"name": "a", "version": "1"}, "steps": [
        {"source": "agent", "message": "", "tool_calls": [{"function_name": "f", "arguments": {"a": "@"}}]}]},
    ).replace('"@"', "[" * 900 + "]" * 900).encode(),
    "a number": b"3", "an unknown object": b'{"a": 1}', "digits": b"[" + b"9" * 5000 + b"]",
    "no zip": b"PK\x03\x04 and then something else", "atif without steps": b'{"schema_version": "ATIF-v1.8"}',
    "atif with nothing": b'{"schema_version": "ATIF-v1.8", "agent": {"name": "a", "version": "1"}, "steps": []}',
    "tampered": b'{"schema_version": "ATIF-v1.8", "extra": {"journeyman": {"format": 1}}, "steps": []}',
    "text for messages": b'{"trajectory_format": "mini-swe-agent-1.1", "messages": "none"}',
    "numbers for messages": b'{"trajectory_format": "mini-swe-agent-1.1", "messages": [1]}',
    "a role": b'{"trajectory_format": "mini-swe-agent-1.1", "messages": [{"role": "king"}]}',
    "samples": b'{"eval": {}, "samples": {}}', "history": b'{"history": [[]]}', "events": b'[{"kind": 3}]',
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_trajectory_is_one_clear_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BAD[name])
    for source in (None, *Source):
        with pytest.raises(TrajectoryError) as error:
            read_trajectories(tmp_path / "file", source)
        assert str(error.value).startswith(str(tmp_path / "file")) and "\n" not in str(error.value)
        assert len(str(error.value)) < 500


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_log, "MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("samples/a.json", b"0" * (2 << 20))
    with pytest.raises(TrajectoryError, match="larger"):
        read_trajectories(tmp_path / "a.eval")
    # One that lies about its size is cut at what it says, and then its checksum is wrong.
    packed = (tmp_path / "a.eval").read_bytes()
    size, lie = (2 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    (tmp_path / "b.eval").write_bytes(packed.replace(size, lie))
    with pytest.raises(TrajectoryError, match="not an archive that can be read"):
        read_trajectories(tmp_path / "b.eval")


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_cut_short_anywhere_is_refused_or_read_as_far_as_it_is_whole(name: str, tmp_path: Path) -> None:
    data = (FIXTURES / name).read_bytes()
    for place in range(0, len(data) - 2, len(data) // 15):
        (tmp_path / "cut").write_bytes(data[:place])
        try:
            found = read_trajectories(tmp_path / "cut")
        except TrajectoryError:
            continue
        assert name.endswith(".jsonl") and found, "only whole lines can be left"


def test_an_archive_cut_short_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", (FIXTURES / "inspect.json").read_bytes())
    data = whole.getvalue()
    for place in range(4, len(data) - 1, 97):
        (tmp_path / "cut").write_bytes(data[:place])
        with pytest.raises(TrajectoryError):
            read_trajectories(tmp_path / "cut")


scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.data())
@settings(max_examples=30)
def test_any_field_of_any_type_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A value anywhere in a sound file is replaced by another: nothing but a `TrajectoryError` may come of it."""
    name = data.draw(st.sampled_from([name for name in SOURCES if name.endswith((".json", ".traj"))]))
    place: Any = (document := json.loads((FIXTURES / name).read_text()))
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inside = place[key]
        if not isinstance(inside, dict | list) or not inside or data.draw(st.booleans()):
            place[key] = data.draw(scraps)
            break
        place = inside
    path = tmp_path_factory.mktemp("odd") / "file"
    path.write_text(json.dumps(document))
    try:
        for episode in read_trajectories(path, SOURCES[name]):
            repr(from_atif(to_atif(episode)))
    except TrajectoryError as error:
        assert "\n" not in str(error)


def test_what_is_no_document_has_no_format() -> None:
    for value in (None, 3, "text", [], {}, {"history": []}, [{"role": "user"}]):
        assert detect(value) is None

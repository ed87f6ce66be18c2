"""Configuration: every option is known, documented and means something; anything else is refused with a hint."""

import re
import tomllib
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fairshot.app import build_pipeline
from fairshot.config import FILE, Config, Learning, Serving, Worker, configured, load_config, merged
from fairshot.core.errors import ConfigError
from fairshot.core.feedback import FeedbackKind
from fairshot.pipeline.stages import KINDS, known_stages, load_stage

TEXT = files("fairshot").joinpath("defaults.toml").read_text("utf-8")
DEFAULTS: dict[str, Any] = tomllib.loads(TEXT)
STAGES = [(kind, name) for kind in KINDS for name in known_stages(kind)]


def resolved(folder: Path, text: str = "", **environment: str) -> Config:
    (folder / FILE).write_text(text)
    config = load_config(folder, environment)
    build_pipeline(config)
    return config


# What stands in defaults.toml


def test_the_defaults_resolve_and_need_no_folder():
    config = load_config(None, {})
    build_pipeline(config)
    assert config == load_config(Path("nowhere"), {})


def test_every_option_of_the_defaults_is_documented_by_a_comment():
    section, told, undocumented = "", False, []
    for line in TEXT.splitlines():
        if line.startswith("#"):
            told = True
        elif line.startswith("["):
            section = line.strip("[]")
        elif "=" in line:
            name = line.split("=")[0].strip()
            if section.startswith("feedback."):
                told = bool(re.search(rf"^# {name} ", TEXT, re.MULTILINE))
            # One comment may open a run of options that belong together.
            if not told:
                undocumented.append(f"[{section}] {name}")
        elif not line:
            told = False
    assert undocumented == []


@pytest.mark.parametrize(("section", "shape"), [("learning", Learning), ("worker", Worker), ("serving", Serving)])
def test_every_option_of_a_section_stands_in_the_defaults(section, shape):
    assert list(DEFAULTS[section]) == list(shape.__struct_fields__)


def test_every_option_of_a_feedback_kind_is_explained():
    for name in FeedbackKind.__struct_fields__:
        assert re.search(rf"^# {name} ", TEXT, re.MULTILINE), name


@pytest.mark.parametrize(("kind", "name"), STAGES, ids=[".".join(stage) for stage in STAGES])
def test_every_option_of_a_stage_stands_in_the_defaults_with_its_default(kind, name):
    factory = type(load_stage(kind, name, {}).call)
    own = {f.name: f.default for f in fields(factory)}
    assert MISSING not in own.values()
    assert DEFAULTS[kind].get(name) == own


def test_every_stage_is_in_the_default_pipeline():
    planned = {(kind, name) for kind in KINDS for name in DEFAULTS["pipeline"][kind]}
    assert planned == set(STAGES)


# What an owner may change


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    config = resolved(tmp_path, "[learning]\nfactors = 8\n[rerankers.diversity]\nrelevance = 0.5\n")
    expected = merged(DEFAULTS, {"learning": {"factors": 8}, "rerankers": {"diversity": {"relevance": 0.5}}})
    assert config == configured(expected)
    assert config.hash() != load_config(None, {}).hash()


def test_lists_are_replaced_whole(tmp_path):
    assert resolved(tmp_path, '[pipeline]\nsources = ["fresh"]').pipeline.sources == ["fresh"]
    assert resolved(tmp_path, "[pipeline]\nsources = []").pipeline.sources == []


def test_an_own_kind_of_feedback_comes_last_and_the_others_stay(tmp_path):
    config = resolved(tmp_path, "[feedback.wave]\nweight = 0.1\n")
    assert config.kinds.names == (*DEFAULTS["feedback"], "wave")
    assert config.feedback["wave"] == FeedbackKind(weight=0.1)


def test_a_stage_of_somebody_else_works_by_its_path(tmp_path, monkeypatch):
    (tmp_path / "their_stages.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Term:\n    times: float = 2.0\n"
        "    def __call__(self, batch, ctx): return batch['x'] * self.times\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config = resolved(
        tmp_path,
        '[pipeline.value]\n"their_stages:Term" = 0.5\n[value."their_stages:Term"]\ntimes = 3\n',
    )
    stage = build_pipeline(config).value[-1]
    assert (stage.name, stage.call.times) == ("their_stages:Term", 3.0)
    assert build_pipeline(config).weights["their_stages:Term"] == 0.5
    with pytest.raises(ConfigError, match="no option 'tims'; did you mean 'times'"):
        load_stage("value", "their_stages:Term", {"tims": 1})


@pytest.mark.parametrize("name", ["no.such.module:X", "json:NoSuch", "json:JSONDecoder", ":X", "json:"])
def test_a_stage_that_cannot_be_loaded_is_a_config_error(name):
    with pytest.raises(ConfigError):
        load_stage("value", name, {})


# What is refused

UNKNOWN = {
    "[servin]\nport = 1": "unknown option servin; did you mean 'serving'",
    "[serving]\nprot = 1": r"unknown option serving\.prot; did you mean 'port'",
    "colour = 1": "unknown option colour",
    "[learning]\nfactor = 8": r"learning\.factor; did you mean 'factors'",
    "[worker]\ntrain_event = 8": r"worker\.train_event; did you mean 'train_events'",
    "[impressions]\nmod = 'served'": r"impressions\.mod; did you mean 'mode'",
    "[pipeline]\nsource = []": r"pipeline\.source; did you mean 'sources'",
    "[feedback.like]\nwieght = 2": r"feedback\.like\.wieght; did you mean 'weight'",
    "[feedback.new]\npreferrence = 2": r"feedback\.new\.preferrence; did you mean 'preference'",
    "[sources.followed]\ncuont = 2": r"sources\.followed.* 'cuont'; did you mean 'count'",
    "[sources.follow]\ncount = 2": r"\[sources\.follow\]: there is no such stage; did you mean 'followed'",
    "[pipeline]\nsources = ['trendin']": "no stage 'trendin' in sources; did you mean 'trending'",
    "[pipeline.value]\nengagment = 1.0": "no stage 'engagment' in value; did you mean 'engagement'",
    "[pipeline]\nfilters = ['../../etc']": "no stage '../../etc' in filters",
    "[pipeline]\nfilters = ['__init__']": "no stage '__init__' in filters",
}


@pytest.mark.parametrize(("text", "message"), UNKNOWN.items(), ids=UNKNOWN)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        resolved(tmp_path, text)


WRONG = [
    "[serving]\nport = '8000'",
    "[serving]\nport = 65536",
    "[serving]\nport = -1",
    "[serving]\nport = 8000.0",
    "[serving]\nport = true",
    "[serving]\nworkers = 0",
    "[serving]\nmost = 40000",
    "[serving]\nhost = 3",
    "[serving]\nport = 1" + "0" * 400,
    "[serving]\nport = 2020-01-01",
    "[learning]\nfactors = 1",
    "[learning]\nholdout = 1.0",
    "[learning]\nholdout = 0.0",
    "[learning]\nholdout = nan",
    "[learning]\nconfidence = inf",
    "[feedback.like]\nwindow_hours = inf",
    "[learning]\ntolerance = 1.5",
    "[learning]\nhidden = [0]",
    "[learning]\nhidden = 64",
    "[worker]\ntrain_minutes = -1",
    "[impressions]\nmode = 'guessed'",
    "[trials]\npositions = [3, 1]",
    "[trials]\npositions = [1, 4]",
    "[trials]\naudience = [0.4, 0.2]",
    "[trials]\nconfidence = [0.6, 0.9]",
    "[trials]\nmix = [0, 0, 0]",
    "[trials]\nmix = [1, 0]",
    "[trials]\nexamination = [0, 1, 1]",
    "[worker]\ntrial_seconds = 0",
    "[feedback.like]\nweight = nan",
    "[feedback.like]\nweight = -inf",
    "[feedback.like]\nweight = '1'",
    "[feedback.like]\nlike = 1",
    "[feedback.like]\nweight = 1" + "0" * 400,
    "[feedback]\nlike = 3",
    "[pipeline]\nsources = 'fresh'",
    "[pipeline]\nsources = [1]",
    "[pipeline]\nvalue = 3",
    "[pipeline.value]\nengagement = nan",
    "[pipeline.value]\nengagement = 'much'",
    "[sources.followed]\ncount = 'many'",
    "[sources]\nfollowed = 3",
    "[impressions]\ndays = nan",
    "[impressions]\ndays = [1]",
    "serving = 3",
    "serving = []",
    "sources = 1",
    "[[serving]]\nport = 1",
    "not toml",
    "[serving]\nport = 1\nport = 2",
    "a = '\\ud800'",
    "x = " + "[" * 5000,
    "\x00",
    "[serving]\nport = 1" + "0" * 5000,
    "\n".join(f"[feedback.k{n}]" for n in range(200)),
    "[learning]\ncold_start_fairness = 'magnitude'",
    "[learning]\ncold_start_strength = 5.0",
]


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40].replace("\n", " "))
def test_a_value_that_cannot_be_is_a_config_error(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        resolved(tmp_path, text)
    assert len(str(error.value)) < 2000


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path):
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=FILE):
        load_config(tmp_path, {})
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match=FILE):
        load_config(tmp_path, {})


# The environment


def test_the_environment_stands_above_the_file(tmp_path):
    text = "[serving]\nport = 1\nhost = 'a'\n"
    config = resolved(tmp_path, text, FAIRSHOT_PORT="2", FAIRSHOT_HOST="b", FAIRSHOT_WORKERS="3", PORT="9")
    assert (config.serving.port, config.serving.host, config.serving.workers) == (2, "b", 3)


@pytest.mark.parametrize("environment", [{"FAIRSHOT_PORT": "x"}, {"FAIRSHOT_PORT": "70000"}, {"FAIRSHOT_WORKERS": ""}])
def test_a_variable_that_cannot_be_is_a_config_error(tmp_path, environment):
    with pytest.raises(ConfigError):
        resolved(tmp_path, "", **environment)


# The hash


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return (value / 2 or 0.5) if isinstance(value, float) else value + 1
    return value + type(value)("x") if isinstance(value, str) else [*value, *value]


CHOICES = {
    "impressions.mode": "reported",
    "learning.cold_start_fairness": "gen",
    "trials.positions": [1, 2],
    "trials.examination": [1.0, 0.5, 0.5],
    "trials.mix": [0.8, 0.1, 0.1],
    "trials.audience": [0.2, 0.4],
    "trials.confidence": [0.9, 0.6],
}
"""Options of few words or of a fixed length: another choice."""


def options(settings: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(settings, dict):
        return [path]
    return [found for name, value in settings.items() for found in options(value, (*path, name))]


def test_the_hash_changes_with_any_option_and_with_nothing_else(tmp_path):
    hashes, refused = [load_config(None, {}).hash()], 0
    for path in options(DEFAULTS):
        changed = msgspec.to_builtins(DEFAULTS)
        section = changed
        for name in path[:-1]:
            section = section[name]
        section[path[-1]] = CHOICES.get(".".join(path)) or other(section[path[-1]])
        try:
            hashes.append(configured(changed).hash())
        except ConfigError:
            refused += 1
    assert len(set(hashes)) == len(hashes) == len(options(DEFAULTS)) + 1 - refused
    assert refused == 0
    assert all(re.fullmatch("[0-9a-f]{12}", found) for found in hashes)
    reordered = {name: DEFAULTS[name] for name in reversed(DEFAULTS)}
    assert configured(reordered).hash() == load_config(None, {}).hash()


def test_a_stage_module_is_found_by_its_name():
    for kind, name in STAGES:
        module = import_module(f"fairshot.pipeline.{kind}.{name}")
        assert hasattr(module, "".join(word.capitalize() for word in name.split("_")))

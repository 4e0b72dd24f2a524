"""Every face of the parameters is derived from one model; these tests fail when a face drifts away."""

from __future__ import annotations

import json
import tokenize
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit import fields, plain
from segkit import params as params_room
from segkit.errors import ParameterError
from segkit.params import KINDS, Params, read


def test_every_fault_is_named_at_once_with_what_is_allowed_found_and_nearest():
    with pytest.raises(ParameterError) as caught:
        Params(segmets=3, transform="log", max_segments=99, features="spend", seed=-1)
    message = str(caught.value)
    for part in (
        'There is no parameter "segmets". Did you mean "segments"?',
        "transform must be one of auto, auto-log, none, log1p, yeo-johnson, rank, got 'log'.",
        'Did you mean "log1p"?',
        "max_segments must be 2 to 20, got 99.",
        "features must be a list of names, got 'spend'.",
        "seed must be 0 to 4,294,967,295, got -1.",
    ):
        assert part in message


@pytest.mark.parametrize("value", [1, -1, 21, "4", 2.5, None, True])
def test_segments_takes_zero_or_two_to_twenty_and_nothing_else(value):
    with pytest.raises(ParameterError, match="segments must be 0 or 2 to 20, got"):
        Params(segments=value)


def test_a_column_cannot_be_wanted_and_left_out():
    with pytest.raises(ParameterError, match="features and exclude both name spend"):
        Params(features=["spend"], exclude=["spend"])


def test_parameters_are_frozen_and_their_dump_does_not_follow_a_changed_list():
    params = Params(features=["a"])
    with pytest.raises(Exception, match="frozen"):
        params.segments = 4
    params.features.append("b")
    params.dump()["features"].append("c")
    assert params.dump()["features"] == ["a"]
    assert params.but(segments=3).features == ["a"]


def test_run_fields_are_not_part_of_the_study():
    assert {"output", "interactive"}.isdisjoint(Params().study_dump())
    assert Params(output="x", interactive=False).changed() == ()


def test_globals_of_a_notebook_are_taken_as_they_are_and_other_names_ignored():
    names = {
        **Params(segments=4).dump(),
        "notebook": "x",
        "name": "y",
        "__name__": "__main__",
        "pd": object(),
    }
    assert Params.of(names) == Params(segments=4)


def test_the_cell_is_python_that_gives_the_defaults():
    names: dict[str, object] = {}
    exec(Params.cell(), names)
    assert Params.of(names) == Params()


def test_no_line_of_the_cell_is_lost_on_papermills_inspector(tmp_path):
    """The inspector drops a line whose default or help holds a second = or # (papermill 2.7)."""
    nbformat = pytest.importorskip("nbformat")
    papermill = pytest.importorskip("papermill")
    cell = nbformat.v4.new_code_cell(Params.cell(), metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "one.ipynb")
    found = papermill.inspect_notebook(str(tmp_path / "one.ipynb"))
    assert list(found) == [field.name for field in Params.fields()]
    for field in Params.fields():
        assert found[field.name]["inferred_type_name"] == field.type
        assert found[field.name]["help"].startswith(field.help)


def test_every_line_of_the_cell_has_one_comment():
    tokens = [token.type for token in tokenize.tokenize(BytesIO(Params.cell().encode()).readline)]
    assert tokens.count(tokenize.COMMENT) == len(Params.fields())


def test_every_field_says_what_it_is():
    for field in Params.fields():
        assert field.group, field.name
        assert field.label[0].isupper(), field.name
        assert field.help, field.name
        assert not {"=", "#"} & set(field.help + json.dumps(field.default)), field.name
        assert field.type in {"str", "int", "float", "bool", "list[str]", "list[float]"}, field.name


def test_only_what_is_read_is_kept_from_a_dashboards_address():
    operators = [field.name for field in Params.fields() if field.operator]
    assert operators == ["source", "query", "hash_ids", "min_cell", "like", "playbook", "formula_safe"]


def test_the_schema_and_the_table_hold_every_field():
    names = [field.name for field in Params.fields()]
    assert list(Params.model_json_schema()["properties"]) == names
    rows = [line.split("|")[1].strip(" `") for line in Params.markdown().splitlines()[2:]]
    assert rows == names


def test_texts_become_the_fields_types_and_what_does_not_fit_is_named():
    params = Params.from_text(
        {"segments": "4", "features": "a, b", "exclude": '["c,d"]', "interactive": "false"}
    )
    assert (params.segments, params.features, params.exclude, params.interactive) == (
        4,
        ["a", "b"],
        ["c,d"],
        False,
    )
    with pytest.raises(ParameterError, match="segments must be 0 or 2 to 20, got 'four'"):
        Params.from_text({"segments": "four"})
    assert Params.from_text({"seed": "7"}, base=Params(segments=3)).segments == 3


@given(
    segments=st.sampled_from([0, *range(2, 21)]),
    features=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), max_size=4),
    value=st.text(st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_a_file_gives_back_what_was_saved(tmp_path_factory, segments, features, value):
    params = Params(segments=segments, features=features, value=value)
    file = tmp_path_factory.mktemp("yaml") / "p.yml"
    file.write_text(params.to_yaml(name="study"), encoding="utf-8")
    assert read(file).params == params


def test_a_file_holds_only_what_differs():
    assert Params(segments=4).to_yaml() == "notebook: 01-segment-customers\nsegments: 4\n"


def test_the_files_that_ship_are_valid_and_hold_no_default(request):
    files = sorted((request.config.rootpath / "parameters").glob("*.yml"))
    assert files
    for file in files:
        recipe = read(file)
        written = file.read_text(encoding="utf-8")
        named = {
            line.split(":")[0]
            for line in written.splitlines()
            if ":" in line and not line.startswith(("#", " "))
        }
        assert named - {"notebook", "name"} == set(recipe.params.changed()) | ({"source"} & named), file.name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("segments: 4\nsegments: 5\n", "a name stands twice"),
        ("source: !!python/object/apply:os.system [x]\n", "tags, anchors and aliases"),
        ("a: &x 1\nb: *x\n", "tags, anchors and aliases"),
        ("- 1\n", "found list"),
        ("{", "not plain YAML"),
        ("segments: 1e-3\n", "got 0.001"),
        ("notebook: 99-nothing\n", "notebook must be one of 01-segment-customers"),
        ("segmets: 4\n", 'Did you mean "segments"?'),
    ],
)
def test_a_file_that_is_not_plain_is_one_sentence_that_names_it(tmp_path, text, fault):
    file = tmp_path / "study.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        read(file)
    assert fault in str(caught.value)
    assert "study.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_words_and_dates_in_a_file_stay_text(tmp_path):
    file = tmp_path / "study.yml"
    file.write_text("features: [no, off, 2024-01-01, 'on']\n", encoding="utf-8")
    assert read(file).params.features == ["no", "off", "2024-01-01", "on"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"nothing\.yml cannot be read: No such file"):
        read(tmp_path / "nothing.yml")


def test_every_kind_knows_its_notebook(request):
    for name in KINDS:
        assert (request.config.rootpath / "notebooks" / f"{name}.ipynb").is_file()


def test_the_choices_of_algorithms_are_those_of_the_registry():
    from segkit.segments.algorithms.registry import ALGORITHMS

    choices = next(field.choices for field in params_room.fields() if field.name == "algorithm")
    assert set(choices) - {"auto"} == set(ALGORITHMS)


def test_the_samples_to_choose_from_are_those_that_are_made():
    from segkit.data import samples

    assert list(fields.SAMPLES) == list(samples.NAMES)


def test_the_choices_of_the_preparation_are_those_of_its_room():
    from segkit.segments.prepare import CHOICES

    choices = {field.name: field.choices for field in params_room.fields() if field.name in CHOICES}
    # "auto" is settled by `choose`, which takes one of the room's transforms
    assert choices.pop("transform") == ("auto", *CHOICES["transform"])
    assert choices == {name: tuple(allowed) for name, allowed in CHOICES.items() if name != "transform"}


def test_a_file_of_another_kind_of_study_is_refused_by_name(tmp_path):
    file = tmp_path / "rfm.yml"
    file.write_text("notebook: 02-rfm-value\nsource: sample:retail_transactions\n")
    with pytest.raises(ParameterError, match=r"rfm.yml describes another kind of study \(02-rfm-value\)"):
        Params.read(file)
    assert KINDS["02-rfm-value"].read(file).source == "sample:retail_transactions"


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path):
    file = tmp_path / "a.yml"
    file.write_text("source: x\n#" + "x" * 2_000_000)
    with pytest.raises(ParameterError, match=r"a.yml is over [\d,]+ bytes"):
        read(file)
    file.write_bytes(b"source: \xff\n")
    with pytest.raises(ParameterError, match=r"a.yml is not plain YAML: it is not UTF-8 text"):
        read(file)


@pytest.mark.parametrize(
    ("text", "names"),
    [("a,b", ["a", "b"]), (" a , ,b", ["a", "b"]), ('["a,b", "c"]', ["a,b", "c"]), ("", [])],
)
def test_a_list_is_typed_with_commas_or_as_json(text, names):
    assert Params.from_text({"features": text}).features == names


def test_a_list_that_is_broken_json_is_an_error_that_shows_it():
    with pytest.raises(ParameterError, match=r"features must be a list of names, got '\[\"a'"):
        Params.from_text({"features": '["a'})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        *(("bool", word, True) for word in ("true", "TRUE", "1", "yes", "Yes")),
        *(("bool", word, False) for word in ("false", "False", "0", "no")),
        ("bool", "maybe", "maybe"),
        ("bool", ["no", "yes"], True),
        ("int", "4", 4),
        ("int", ["2", "3", "4"], 4),  # of a name that stands in an address more than once, the last
        ("int", "4.5", "4.5"),
        ("float", "4.5", 4.5),
        ("float", "x", "x"),
        ("str", "04", "04"),
        ("list[str]", "a, b", ["a", "b"]),
        ("list[str]", ["a,b", "c"], ["a,b", "c"]),
        ("list[str]", ' ["a,b"]', ["a,b"]),
        ("list[str]", "[a, b", "[a, b"),
        ("list[float]", "1, 2.5", [1.0, 2.5]),
        ("list[float]", ["1", "x"], [1.0, "x"]),
    ],
)
def test_a_text_becomes_what_its_field_takes_or_stays_as_it_was(kind, text, value):
    found = fields.from_text(kind, text)
    assert found == value
    assert type(found) is type(value)


def test_every_type_of_field_says_in_words_what_it_takes():
    known = {field.name: field for kind in KINDS.values() for field in kind.fields()}
    words = {name: fields.allowed(field) for name, field in known.items()}
    assert words["segments"] == "0 or 2 to 20"
    assert words["seed"] == "0 to 4,294,967,295"
    assert words["impute"].startswith("one of ")
    assert words["impute"] == "one of " + ", ".join(known["impute"].choices)
    assert words["source"] == "text"
    assert words["interactive"] == "true or false"
    assert words["features"] == "a list of names"
    assert words["recency_cuts"] == "a list of numbers"


def test_what_a_field_is_comes_from_where_it_is_written():
    about = {field.name: field for field in KINDS["02-rfm-value"].fields()}
    assert about["names"].operator
    assert not about["names"].run
    assert about["output"].run
    assert (about["bins"].low, about["bins"].high, about["bins"].default) == (3, 5, 5)
    assert (about["bins"].group, about["bins"].label) == ("Scores", "Scores")
    assert about["recency_cuts"].type == "list[float]"
    assert about["monetary"].choices == ("total", "mean")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"segments": 1}, "segments must be 0 or 2 to 20, got 1: 0 lets the data decide; "),
        ({"features": ["a"], "exclude": ["a"]}, "features and exclude both name a; name each column once."),
        ({"seed": "x"}, "seed must be 0 to 4,294,967,295, got 'x'."),
        (
            {"seed": -1, "max_segments": 1},
            "max_segments must be 2 to 20, got 1. seed must be 0 to 4,294,967,295, got -1.",
        ),
    ],
)
def test_a_fault_is_said_whole(given, message):
    with pytest.raises(ParameterError) as caught:
        Params(**given)
    assert str(caught.value).startswith(message)
    assert str(caught.value) == message or message.endswith(" ")


def test_what_is_written_to_a_file_reads_as_it_was_meant():
    values = {"z": "0E0", "a": "Umsätze", "n": 4, "t": "true", "l": ["1", 1.5]}
    written = plain.dumps(values)
    assert written == "z: '0E0'\na: Umsätze\nn: 4\nt: 'true'\nl:\n- '1'\n- 1.5\n"
    assert plain.loads(written) == values
    with pytest.raises(ParameterError, match=r"^the text must hold lines such as 'segments: 4', found list"):
        plain.loads("- 1")


def test_a_file_names_its_study_or_is_its_name(tmp_path):
    (tmp_path / "weekly.yml").write_text(Params(segments=4).to_yaml(name="Shop"), encoding="utf-8")
    recipe = read(tmp_path / "weekly.yml", seed=3)
    assert (recipe.file, recipe.name, recipe.notebook) == ("weekly.yml", "Shop", "01-segment-customers")
    assert recipe.params == Params(segments=4, seed=3)
    (tmp_path / "weekly.yml").write_text("segments: 4\n")
    assert read(tmp_path / "weekly.yml").name == "weekly"
    for wrong in ("notebook: 1\n", "name: [a]\n"):
        (tmp_path / "weekly.yml").write_text(wrong)
        with pytest.raises(ParameterError, match=r"^weekly.yml: notebook must be one of 01-\S+, 02-\S+, "):
            read(tmp_path / "weekly.yml")


def test_the_cell_and_the_table_say_choices_and_bounds():
    lines = {line.split(":")[0]: line for line in Params.cell().splitlines()}
    assert lines["impute"].endswith(f" ({' '.join(_about('impute').choices)})")
    assert lines["seed"] == f"seed: int = 0  # {_about('seed').help}"
    head, rule, *rows = Params.markdown().splitlines()
    assert head == "| parameter | type | default | allowed | what it is |"
    assert rule == "|---|---|---|---|---|"
    told = {row.split("|")[1].strip(" `"): row for row in rows}
    assert told["seed"] == f"| `seed` | int | `0` | 0 to 4294967295 | {_about('seed').help} |"
    assert told["source"] == f'| `source` | str | `"sample:retail"` |  | {_about("source").help} |'
    choices = ", ".join(f"`{choice}`" for choice in _about("impute").choices)
    assert f"| {choices} |" in told["impute"]


def _about(name):
    return next(field for field in Params.fields() if field.name == name)

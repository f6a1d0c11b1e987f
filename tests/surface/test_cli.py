"""The command line as a user types it: what goes to stdout, what to stderr, and the exit codes."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule import load
from chainrule.cli import options
from chainrule.cli.main import main
from chainrule.errors import SettingError


def chainrule(*arguments, cwd, code=0):
    """Run a command; returns what it printed on stdout and on stderr."""
    found = subprocess.run(
        [sys.executable, "-m", "chainrule", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == code, found.stderr
    assert "Traceback" not in found.stderr
    return found.stdout, found.stderr


@pytest.fixture
def typed(folder, monkeypatch, capsys):
    """Runs a command in the folder as `chainrule` does after its imports: what it prints on stdout and on stderr."""
    monkeypatch.chdir(folder)

    def run(*arguments, code=0):
        with pytest.raises(SystemExit) as left:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        assert left.value.code == code, err
        return out, err

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with people.csv and a model trained on it."""
    folder = tmp_path_factory.mktemp("cli")
    source = np.random.default_rng(0)
    with open(folder / "people.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "town", "score", "smokes"])
        for _ in range(160):
            age, town = source.integers(18, 80), source.choice(["Ulm", "Bonn", "Köln"])
            smokes = source.random() < 1 / (1 + np.exp((age - 45) / 5))
            writer.writerow(
                [age if source.random() > 0.05 else "", town, round(source.normal(), 3), "yes" if smokes else "no"]
            )
    out, story = chainrule("fit", "people.csv", "--target", "smokes", "--epochs", 20, "--network", "8", cwd=folder)
    (folder / "story.txt").write_text(story)
    (folder / "out.txt").write_text(out)
    return folder


def test_fit_tells_its_story_on_stderr_and_leaves_stdout_to_data(folder):
    story = (folder / "story.txt").read_text()
    assert (folder / "out.txt").read_text() == ""
    for part in ("160 rows", "Choices made", "values are missing: age", "Score", "a linear model", "95 % interval"):
        assert part in story
    assert "Saved to people.model" in story
    assert "∂L/∂W2[" in story


@pytest.mark.parametrize("wrong", [["fit", "--nope"], ["fit", "people.csv", "--epochs", "many"], ["fit"], ["nope"]])
def test_a_wrong_command_line_is_json_too_where_json_is_asked_for(folder, wrong):
    error = json.loads(chainrule(*wrong, "--json", cwd=folder, code=2)[0])["error"]
    assert error["code"] == "CR211" and error["what"] and "chainrule" in error["where"]


def test_fit_as_json_gives_the_card_and_the_history(folder):
    out, _ = chainrule(
        "fit",
        "people.csv",
        "-t",
        "smokes",
        "--epochs",
        2,
        "--test",
        0,
        "--out",
        "small.model",
        "--json",
        "-q",
        cwd=folder,
    )
    found = json.loads(out)
    assert found["model"] == "small.model"
    assert len(found["history"]["loss"]) == 2
    assert found["card"]["data"]["targets"] == ["smokes"]


def test_predictions_keep_the_order_of_the_rows_and_have_a_column_per_class(folder):
    chainrule("predict", "people.model", "people.csv", "--out", "predictions.csv", cwd=folder)
    with open(folder / "predictions.csv") as file:
        rows = list(csv.DictReader(file))
    model = load(folder / "people.model")
    assert list(rows[0]) == ["prediction", "probability_no", "probability_yes"]
    assert [row["prediction"] for row in rows] == model.predict(folder / "people.csv").tolist()
    probabilities = [[float(row["probability_no"]), float(row["probability_yes"])] for row in rows]
    np.testing.assert_array_equal(probabilities, model.predict_proba(folder / "people.csv"))


def test_predictions_without_out_go_to_stdout(folder):
    out, _ = chainrule("predict", "people.model", "people.csv", cwd=folder)
    assert out.splitlines()[0] == "prediction,probability_no,probability_yes"
    assert len(out.splitlines()) == 161


def test_evaluate_as_json_gives_every_metric_by_name(folder):
    found = json.loads(chainrule("evaluate", "people.model", "people.csv", "--json", cwd=folder)[0])
    assert found["rows"] == 160
    assert 0.5 < found["accuracy"] <= 1
    assert {"auc", "f1", "binary_crossentropy"} <= set(found)
    named = json.loads(
        chainrule("evaluate", "people.model", "people.csv", "--json", "--metric", "recall", cwd=folder)[0]
    )
    assert set(named) == {"recall", "rows"}


def test_show_prints_the_card(folder):
    out, _ = chainrule("show", "people.model", cwd=folder)
    for part in ("DATA", "MODEL", "ALGORITHM", "OBJECTIVE", "COLUMNS", "SCORE", "CHOICES MADE", "dense 8 relu"):
        assert part in out
    assert json.loads(chainrule("show", "people.model", "--json", cwd=folder)[0])["card"]["model"]["parameters"] > 0


@pytest.mark.parametrize("of", ["W1[2,0]", "b2[0]", "a1[3]", "z1[3]", "delta1[3]", "prediction", "loss"])
def test_explain_derives_any_number(folder, of):
    out, _ = chainrule("explain", "people.model", "people.csv", "--row", 3, "--of", of, cwd=folder)
    assert "=" in out
    found = json.loads(
        chainrule("explain", "people.model", "people.csv", "--row", 3, "--of", of, "--json", cwd=folder)[0]
    )
    assert isinstance(found["value"], float)


def test_explain_without_a_question_derives_the_prediction_and_says_what_else_can_be_asked(typed):
    out, err = typed("explain", "people.model", "people.csv", "--row", 3)
    assert out == typed("explain", "people.model", "people.csv", "--row", 3, "--of", "smokes")[0]
    others = re.findall(r"--of ('[^']*'|[\w.]+)", err)
    assert others == ["prediction", "'W1[0,0]'", "'d smokes / d age'", "loss"]
    for other in others:
        assert "engine" in typed("explain", "people.model", "people.csv", "--row", 3, "--of", other.strip("'"))[0]
    asked = ["explain", "people.model", "people.csv", "--row", "3", "--form", "matrix"]
    whole, err = typed(*asked)
    assert "--of a2" in err and whole == typed(*asked, "--of", "a2")[0]


def test_a_folder_that_holds_no_ensemble_is_told(typed, folder):
    (folder / "models").mkdir()
    assert "this folder holds no ensemble (models)" in typed("predict", "models", "people.csv", code=4)[1]
    (folder / "models" / "mine.model").write_bytes(b"")
    assert "name its file: models/mine.model" in typed("predict", "models", "people.csv", code=4)[1]
    assert "Hint: name a file in it, such as models/mine.model" in typed("show", "models", code=4)[1]


def test_what_tune_left_out_is_insisted_on_by_an_option_of_its_own(typed, folder):
    (folder / "named.csv").write_text(
        "who,v,y\n" + "".join(f"person {i},{i % 7},{i % 7 * 2 + i % 3}\n" for i in range(80))
    )
    told = typed("tune", "named.csv", "-t", "y", "--trials", 1, "--epochs", 2)[1]
    assert "--keep=who insists" in told
    assert "insists" not in typed("tune", "named.csv", "-t", "y", "--trials", 1, "--epochs", 2, "--keep", "who")[1]


def test_a_model_file_that_is_not_there_is_answered_with_one_that_is(typed):
    assert "Hint: did you mean people.model" in typed("show", "peopel.model", code=4)[1]
    assert "Hint: did you mean people.model" in typed("show", "people.mdl", code=4)[1]
    assert "Hint" not in typed("show", "nowhere/x.model", code=4)[1]


def test_another_table_than_that_of_training_is_told(typed, folder):
    (folder / "cars.csv").write_text("townhall,mpg\n" + "1,2\n" * 9)
    assert "Hint: this is another table" in typed("predict", "people.model", "cars.csv", code=3)[1]


def test_explain_writes_a_page_to_walk_through(folder):
    arguments = ("explain", "people.model", "people.csv", "--row", 3, "--of", "W1[0,0]", "--html", "why.html")
    out, story = chainrule(*arguments, cwd=folder)
    assert out == "" and "step by step: why.html" in story
    page = (folder / "why.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>") and "age" in page
    _, story = chainrule(*arguments[:-1], "nowhere/why.html", cwd=folder, code=4)
    assert "CR507" in story and not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["fit", "people.csv", "--target", "smoke"], 3, "CR313"),
        (["fit", "nothing.csv", "--target", "smokes"], 3, "CR301"),
        (["fit", "people.csv"], 2, "--target"),
        (["fit", "people.csv", "-t", "smokes", "--activation", "rellu"], 2, "did you mean 'relu'"),
        (["fit", "people.csv", "-t", "smokes", "--learning-rate", "0"], 2, "CR201"),
        (["fit", "people.csv", "-t", "smokes", "--batch-size", "many"], 2, "batch_size"),
        (["fit", "people.csv", "-t", "smokes", "--out", "no/such/folder/x.model"], 4, "CR507"),
        (["fit", "people.csv", "-t", "smokes", "--time", "soon"], 2, "CR202"),
        (
            ["fit", "people.csv", "-t", "score", "--learning-rate", "1e30", "--optimizer", "gd", "--test", "0"],
            5,
            "CR601",
        ),
        (["predict", "people.csv", "people.csv"], 4, "CR501"),
        (["predict", "people.model", "predictions.csv"], 3, "CR401"),
        (["evaluate", "people.model", "people.csv", "--metric", "acuracy"], 2, "accuracy"),
        (["explain", "people.model", "people.csv", "--of", "W9[0,0]"], 2, "CR210"),
        (["explain", "people.model", "people.csv", "--row", "1000", "--of", "loss"], 3, "CR105"),
        (["evalute", "people.csv"], 2, "Did you mean"),
        (["fit", "people.csv", "-t", "smokes", "--ephocs", "3"], 2, "--epochs"),
    ],
)
def test_a_mistake_is_one_message_with_its_exit_code(folder, typed, arguments, code, says):
    if "predictions.csv" in arguments:
        (folder / "predictions.csv").write_text("prediction\nno\n")
    out, err = typed(*arguments, code=code)
    assert out == ""
    assert says in err and err.count("error: ") == 1


def test_an_error_as_json_has_its_parts(folder):
    out, _ = chainrule("predict", "people.csv", "people.csv", "--json", cwd=folder, code=4)
    assert json.loads(out)["error"]["code"] == "CR501"


def test_control_c_saves_the_best_weights_so_far(folder):
    command = [sys.executable, "-m", "chainrule", "fit", "people.csv", "-t", "smokes", "--out", "stopped.model"]
    command += ["--epochs", "100000000", "--patience", "100000000", "--test", "0"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert "160 rows" in process.stderr.readline()  # a busy machine takes its time to get here
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert load(folder / "stopped.model").history.epochs > 0


def test_a_file_is_read_at_predict_time_as_it_was_at_training(folder):
    rows = "\n".join(f"{i % 7};{'?' if i % 9 == 0 else i % 5},5;{'ab'[i % 7 > 3]}" for i in range(80))
    (folder / "odd.csv").write_text("u;v;w\n" + rows + "\n")
    chainrule("fit", "odd.csv", "-t", "w", "--missing", "?,5", "--epochs", 1, "--test", 0, "-q", cwd=folder)
    out, _ = chainrule("predict", "odd.model", "odd.csv", cwd=folder)
    assert len(out.splitlines()) == 81


def test_columns_of_three_targets_are_named_after_them(folder):
    chainrule("fit", "people.csv", "-t", "age", "-t", "score", "--missing-target", "drop", "--epochs", 1, "--test", 0,
              "--out", "two.model", "-q", cwd=folder)  # fmt: skip
    out, _ = chainrule("predict", "two.model", "people.csv", cwd=folder)
    assert out.splitlines()[0] == "prediction_age,prediction_score"


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("2m", 120), ("1.5 h", 5400), (None, None)])
def test_times_are_read(text, value):
    assert options.seconds(text) == value


def test_a_time_that_is_none_is_refused():
    with pytest.raises(SettingError, match="CR202"):
        options.seconds("two minutes")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit"], "error: CR211: missing argument 'DATA' (chainrule fit). Hint: chainrule fit --help"),
        (
            ["fit", "people.csv", "--epohcs", "2"],
            "no such option '--epohcs'. Did you mean '--epochs'? (chainrule fit).",
        ),
        (["predcit"], "there is no command 'predcit'. Did you mean predict? (chainrule)."),
        (["exercise", "--topic", "recpa"], "'recap' (chainrule exercise)."),
        (["fit", "people.csv", "-t", "smokes", "--resume"], "Hint: name its folder: --run=PATH"),
        (["activations", "tahn"], "Hint: did you mean 'tanh'?"),
        (["fit", "people.csv"], "Hint: --target and one of its columns: age, town, score, smokes"),
        (["explain", "people.model", "people.csv", "--of", "d smokes / d agee"], "Hint: did you mean x_age?"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_to_type(typed, words, said):
    message = typed(*words, code=2)[1].splitlines()[-1]
    assert message.startswith("error: CR") and message.endswith(said)


def test_the_help_of_fit_lists_every_option_by_what_it_is_about(folder):
    from chainrule.cli.fit import fit

    told = chainrule("fit", "--help", cwd=folder)[0]
    headings = [line for line in told.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Options:", "The network:", "The training:", "The rows:", "The report:", "Reading the file:"]
    words = set(told.replace(",", " ").split())
    assert {name for param in fit.params for name in param.opts if name.startswith("-")} <= words


def test_a_long_catalog_is_not_listed_where_a_name_is_near(folder):
    message = chainrule("evaluate", "people.model", "people.csv", "--metric", "acuracy", cwd=folder, code=2)[1]
    assert "'accuracy'" in message and len(message) < 200


def test_a_file_in_place_of_a_runs_folder_is_told(folder):
    asked = ("fit", "people.csv", "-t", "smokes", "--epochs", 1, "--network", "2", "--out", "unsaved.model")
    message = chainrule(*asked, "--run", "people.csv", cwd=folder, code=4)[1]
    assert "CR507: the folder cannot be made" in message and not (folder / "unsaved.model").exists()


def test_a_reader_who_has_gone_ends_the_command_quietly(folder):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        found = subprocess.run(
            [sys.executable, "-m", "chainrule", "activations"], stdout=pipe, stderr=subprocess.PIPE, cwd=folder
        )
    assert (found.returncode, found.stderr) == (141, b"")


def test_help_of_every_command_answers(folder):
    from chainrule.cli.main import COMMANDS

    environment = {**os.environ, "COLUMNS": "100"}
    for name in COMMANDS:
        found = subprocess.run(
            [sys.executable, "-m", "chainrule", name, "--help"],
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
        )
        assert found.returncode == 0, found.stderr
        assert "Usage" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("fit", "people.csv", "--target", "smokes", "--out", "people.csv"), "replace the file it is made from"),
        (("fit", "people.csv", "--target", "smokes", "--out", "other.csv"), "--out other.model"),
        (("predict", "people.model", "people.csv", "--out", "people.model"), "replace the file it is made from"),
        (("predict", "people.model", "people.csv", "--out", "answers.parquet"), "--out answers.csv"),
    ],
)
def test_a_result_never_replaces_what_it_is_made_from_nor_bears_a_false_name(folder, arguments, part):
    before = (folder / "people.csv").read_bytes(), (folder / "people.model").read_bytes()
    _, message = chainrule(*arguments, cwd=folder, code=2)
    assert part in message
    assert before == ((folder / "people.csv").read_bytes(), (folder / "people.model").read_bytes())


def test_hints_on_the_command_line_can_be_typed_there(tmp_path):
    rows = "".join(f"{'?' if i == 3 else i * i % 17},{i % 2}\n" for i in range(30))
    (tmp_path / "odd.csv").write_text("a,y\n" + rows)
    _, message = chainrule("fit", "odd.csv", "--target", "y", cwd=tmp_path, code=3)
    assert "--missing='?'" in message
    assert "--text=a" in message
    chainrule("fit", "odd.csv", "-t", "y", "-q", "--missing=?", "--epochs", 2, "--test", 0, cwd=tmp_path)
    chainrule("predict", "odd.model", "odd.csv", cwd=tmp_path)


def test_evaluating_without_the_target_says_what_measuring_needs(folder):
    lines = [line.rsplit(",", 1)[0] for line in (folder / "people.csv").read_text().splitlines()]
    (folder / "unknown.csv").write_text("\n".join(lines) + "\n")
    _, message = chainrule("evaluate", "people.model", "unknown.csv", cwd=folder, code=3)
    assert "CR313" in message
    assert "measuring needs the true values" in message

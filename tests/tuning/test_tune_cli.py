"""`chainrule tune` and `chainrule learning-rate` as a user types them."""

import csv
import json
import signal
import subprocess
import sys

import pytest
from tuning_tables import product

from chainrule import load
from chainrule.tuning import load_ensemble

TUNE = (sys.executable, "-m", "chainrule", "tune", "shop.csv", "--target", "y", "--epochs", "5")


def run(*command, cwd, code=0):
    found = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert found.returncode == code, found.stderr
    assert "Traceback" not in found.stderr
    return found.stdout, found.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    columns = product()
    with open(folder / "shop.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return folder


def test_tune_saves_a_model_and_tells_what_was_tried_and_what_the_score_means(folder):
    out, story = run(*TUNE, "--trials", 4, "--jobs", 2, "--run", "search", cwd=folder)
    assert out == ""
    for part in ("Tried (trials), best first", "Chosen:", "the plain network of fit", "95 % interval"):
        assert part in story
    assert "32 rows that no trial was trained or compared on" in story
    assert load(folder / "shop.model").card["tuning"]["search"] == "halving"
    shown, _ = run(sys.executable, "-m", "chainrule", "show", "shop.model", cwd=folder)
    assert "4 settings tried" in shown


def test_tune_as_json_gives_the_table_and_a_resumed_search_the_same_one(folder):
    first, _ = run(*TUNE, "--trials", 4, "--jobs", 1, "--run", "json", "--json", "-q", cwd=folder)
    again, _ = run(*TUNE, "--trials", 4, "--jobs", 1, "--run", "json", "--resume", "--json", "-q", cwd=folder)
    assert json.loads(first)["trials"] == json.loads(again)["trials"]
    assert len(json.loads(first)["trials"]) == 4


def test_a_folder_with_a_search_is_refused_without_resume(folder):
    (folder / "held").mkdir()
    (folder / "held" / "search.json").write_text("{}")
    _, story = run(*TUNE, "--trials", 1, "--run", "held", cwd=folder, code=2)
    assert "CR603" in story
    _, story = run(*TUNE, "--trials", 1, "--run", "held", "--resume", cwd=folder, code=2)
    assert "a search of another version" in story


def test_ctrl_c_saves_the_best_so_far_and_exits_with_130(folder):
    command = [*TUNE, "--time", "60s", "--jobs", "2", "--out", "cut.model"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while "best" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, story = process.communicate(timeout=60)
    assert process.returncode == 130, story
    assert "Tried (interrupted)" in story
    assert load(folder / "cut.model").card["tuning"]["stopped"] == "interrupted"


def test_learning_rate_prints_its_answer_on_stdout_and_the_curve_on_stderr(folder):
    command = (
        sys.executable,
        "-m",
        "chainrule",
        "learning-rate",
        "shop.csv",
        "-t",
        "y",
        "--network",
        "8",
        "--seeds",
        2,
    )
    out, story = run(*command, cwd=folder)
    assert out.startswith(("learning rate", "cannot tell, because"))
    assert "loss" in story
    found = json.loads(run(*command, "--json", cwd=folder)[0])
    assert len(found["losses"]) == 2


def test_settings_are_fixed_and_a_space_is_given_on_the_command_line(folder):
    given = ["--set", "patience=3", "--space", "learning_rate=1e-3..1e-1", "--space", "network=linear,4,8-4"]
    out, _ = run(*TUNE, "--trials", 5, "--jobs", 1, "--json", "-q", *given, cwd=folder)
    found = json.loads(out)
    drawn = [row["settings"] for row in found["trials"] if row["settings"]]
    assert len(drawn) == 4 and all(set(settings) == {"learning_rate", "network"} for settings in drawn)
    assert all(1e-3 <= settings["learning_rate"] <= 1e-1 for settings in drawn)
    assert {str(settings["network"]) for settings in drawn} <= {"[]", "4", "8-4"}
    assert found["card"]["tuning"]["space"]["learning_rate"] == {"LogUniform": [0.001, 0.1]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "epochs=3"], "use --epochs"), (["--set", "pace=3"], "CR203"), (["--set", "l2"], "expected l"),
        (["--space", "l2=0..1", "--set", "l2=0"], "given and searched"), (["--space", "loss=mse"], "setting to search"),
        (["--set", "l1=0", "--set", "l1=1"], "given twice"), (["--space", "dropout=0.5..0.1"], "greater than 0.5"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_before_any_work(folder, given, said):
    assert said in run(*TUNE, *given, cwd=folder, code=2)[1]


def test_cross_validate_measures_every_row_and_an_ensemble_is_a_folder_that_predicts(folder):
    command, few = (sys.executable, "-m", "chainrule"), ("--target", "y", "--set", "epochs=3", "--set", "network=4")
    story, _ = run(*command, "cross-validate", "shop.csv", *few, "--folds", 3, cwd=folder)
    assert "by one of 3 models that had not seen it" in story and "fold by fold" in story
    found = json.loads(run(*command, "cross-validate", "shop.csv", *few, "--folds", 3, "--json", cwd=folder)[0])
    assert all(len(one["folds"]) == 3 for one in found["metrics"].values()) and found["rows"] == 160
    _, story = run(*command, "ensemble", "shop.csv", *few, "--members", 2, "--out", "two", cwd=folder)
    assert "one network" in story and len(load_ensemble(folder / "two").members) == 2
    predicted, _ = run(*command, "predict", "two", "shop.csv", cwd=folder)
    single, _ = run(*command, "predict", "two/0.model", "shop.csv", cwd=folder)
    assert len(predicted.splitlines()) == 161 and predicted != single
    assert run(*command, "evaluate", "two", "shop.csv", cwd=folder)[0]

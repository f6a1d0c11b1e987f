"""`tune`: the same table however it is found, an honest score, and no search that is lost."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tuning_tables import product

from chainrule import load, tune
from chainrule.errors import DataError, SettingError
from chainrule.fit import read_examples
from chainrule.tuning import SPACE, LogUniform
from chainrule.tuning.pool import evaluator
from chainrule.tuning.search import rounds
from chainrule.tuning.space import draw
from chainrule.tuning.trial import Task, job_for, run_trial

QUICK = {"trials": 5, "epochs": 6, "space": {"learning_rate": LogUniform(1e-3, 1e-1), "network": [(4,), (8, 4)]}}


def table_of(found):
    """What was tried, without the clock."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found.trials]


@pytest.fixture(scope="module")
def alone():
    return tune(product(), "y", n_jobs=1, **QUICK)


def test_two_processes_find_the_same_table_and_the_same_model_as_one(alone):
    together = tune(product(), "y", n_jobs=2, **QUICK)
    assert table_of(together) == table_of(alone)
    np.testing.assert_array_equal(together.model.theta, alone.model.theta)


def test_the_table_lists_every_trial_once_best_first_and_the_best_is_chosen(alone):
    assert sorted(row["trial"] for row in alone.trials) == [0, 1, 2, 3, 4]
    scores = [row["score"] for row in alone.trials]
    assert scores == sorted(scores)
    assert alone.settings == alone.trials[0]["settings"]
    assert alone.stopped == "trials"


def test_trial_0_is_fit_as_it_is(alone):
    assert next(row for row in alone.trials if row["trial"] == 0)["settings"] == {}


def test_halving_trains_the_best_third_to_the_end(alone):
    assert rounds(5, 6) == [2, 6]
    assert sorted(row["epochs"] for row in alone.trials) == [2, 2, 2, 2, 6]


def test_a_trial_trained_in_rounds_ends_where_one_trained_at_once_does(alone):
    drawn = dict(QUICK, trials=5, search="random")
    at_once = tune(product(), "y", n_jobs=1, **drawn)
    best = alone.trials[0]
    same = next(row for row in at_once.trials if row["trial"] == best["trial"])
    assert same["score"] == best["score"]


def test_the_winner_trained_again_reaches_the_loss_of_its_trial(alone):
    assert min(alone.model.history["val_loss"]) == alone.trials[0]["score"]


def test_the_score_comes_from_rows_that_no_trial_could_read(tmp_path):
    table, targets = read_examples(product(), "y")
    shared = {"epochs": 3, "validation": 0.2, "test": 0.2, "seed": 0}
    job = job_for(table, targets, shared, None, tmp_path / "a")
    kept = job.prepared.parts.test
    assert len(kept) == 32
    task = Task(0, {}, 3)

    def score_where_spoiled(rows, folder):
        """The score of the trial when these rows hold nonsense."""
        columns = {name: np.array(values, object if name == "town" else float) for name, values in product().items()}
        for name in ("a", "b", "y"):
            columns[name][rows] = 1e15
        folder.mkdir()
        other = replace(job.prepared, table=read_examples(columns, "y")[0])
        return run_trial(replace(job, prepared=other, folder=folder), task, None).score

    expected = score_where_spoiled([], tmp_path / "nowhere")
    assert score_where_spoiled(kept, tmp_path / "kept") == expected
    for part in (job.prepared.parts.train, job.prepared.parts.validation):
        assert score_where_spoiled(part[:1], tmp_path / str(part[0])) != expected


def test_the_model_says_what_its_score_was_measured_on(alone, tmp_path):
    assert alone.statement == "the score was measured on 32 rows that no trial was trained or compared on"
    assert alone.model.card["score"]["rows"] == 32
    path = alone.model.save(tmp_path / "tuned.model")
    kept = load(path).card["tuning"]
    assert kept["statement"] == alone.statement
    assert [row["trial"] for row in kept["trials"]] == [row["trial"] for row in alone.trials]
    assert kept["space"]["learning_rate"] == {"LogUniform": [0.001, 0.1]}


def test_a_search_cut_off_anywhere_and_resumed_gives_the_same_table(alone, tmp_path):
    tune(product(), "y", n_jobs=1, run=tmp_path, **QUICK)
    lines = (tmp_path / "trials.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 6
    for kept in (b"", b"".join(lines[:2]) + lines[2][:25], b"".join(lines[:5])):
        (tmp_path / "trials.jsonl").write_bytes(kept)
        again = tune(product(), "y", n_jobs=1, run=tmp_path, resume=True, **QUICK)
        assert table_of(again) == table_of(alone)


def test_a_resumed_search_trains_only_what_is_missing_and_may_try_more(tmp_path):
    tune(product(), "y", n_jobs=1, run=tmp_path, **QUICK)
    said = []
    more = tune(product(), "y", n_jobs=1, run=tmp_path, resume=True, progress=said.append, **{**QUICK, "trials": 6})
    assert {event.last.number for event in said} >= {5}
    assert 0 not in {event.last.number for event in said if event.last.epochs == 2}
    assert len(more.trials) == 6


def test_a_folder_with_a_search_is_not_overwritten_and_other_data_are_refused(tmp_path):
    tune(product(), "y", n_jobs=1, run=tmp_path, **QUICK)
    with pytest.raises(SettingError, match="CR603.*holds a search already"):
        tune(product(), "y", n_jobs=1, run=tmp_path, **QUICK)
    with pytest.raises(DataError, match="CR603.*not those that the search began with"):
        tune(product(seed=1), "y", n_jobs=1, run=tmp_path, resume=True, **QUICK)
    with pytest.raises(SettingError, match="CR603.*another `search`"):
        tune(product(), "y", n_jobs=1, run=tmp_path, resume=True, search="random", **QUICK)


def test_a_worker_that_is_killed_is_one_trial_lost_and_said(tmp_path):
    table, targets = read_examples(product(), "y")
    job = job_for(table, targets, {"epochs": 100_000, "patience": 100_000, "test": 0.2}, None, tmp_path)
    with evaluator(job, 2) as evaluate:
        results = evaluate([Task(0, {}, 100_000), Task(1, {}, 2), Task(2, {}, 2)], None)
        assert next(results).number == 1
        pool = evaluate.__self__
        for process in list(pool.processes.values()):
            process.send_signal(signal.SIGKILL)
        found = {result.number: result for result in results}
    assert found[0].stopped == "killed" and "signal 9" in found[0].why
    assert not found[0].is_final
    assert 2 in found


def test_a_search_whose_trials_all_diverge_says_so():
    with pytest.raises(SettingError, match="CR604: no trial could be trained"):
        tune(product(), "y", n_jobs=1, trials=2, epochs=3, learning_rate=1e30, optimizer="gradient_descent")


def test_the_time_is_kept_and_the_best_so_far_is_trained():
    began = time.monotonic()
    found = tune(product(), "y", time=1.0, n_jobs=1, epochs=5, network=(4,))
    assert found.stopped == "time"
    assert found.trials[0]["score"] is not None
    assert time.monotonic() - began < 30  # the machine may be busy; a search that forgets the time never ends


def test_a_search_without_time_for_one_trial_still_ends_with_a_model():
    found = tune(product(), "y", time=0.05, n_jobs=2, epochs=5, network=(4,))
    assert len(found.trials) >= 1 and found.stopped == "time"


SEARCH = textwrap.dedent(f"""
    import sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from tuning_tables import product
    from chainrule import tune
    tune(product(), "y", n_jobs=2, run=sys.argv[1], trials=6, epochs=150, patience=150, network=(4,),
         progress=lambda p: print(p.done, flush=True))
    """)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_search_killed_in_the_middle_of_its_trials_resumes_to_the_same_table(tmp_path):
    settings = {"trials": 6, "epochs": 150, "patience": 150, "network": (4,)}
    process = subprocess.Popen([sys.executable, "-c", SEARCH, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "1"
    time.sleep(0.1)
    process.kill()
    process.communicate(timeout=60)
    resumed = tune(product(), "y", n_jobs=2, run=tmp_path / "run", resume=True, **settings)
    assert table_of(resumed) == table_of(tune(product(), "y", n_jobs=1, **settings))


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_in_a_plain_script_ends_with_the_best_so_far(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from tuning_tables import product
        from chainrule import tune
        found = tune(product(), "y", time=60, n_jobs=2, epochs=5, network=(4,),
                     progress=lambda p: print(p.done, flush=True))
        print(found.stopped, found.model.task)
        """)
    )
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "1"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "interrupted regression" in out, err


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"search": "grid"}, "CR203"),
        ({"time": 0}, "CR201"),
        ({"trials": 0}, "CR201"),
        ({"test": 0}, "CR201"),
        ({"validation": 0}, "CR201"),
        ({"widths": (3,)}, "CR203: unknown setting of `tune`"),
        ({"epochs": 2.5}, "CR202"),
        ({"time_budget": 3}, "CR204"),
        ({"callbacks": (print,)}, "CR204"),
        ({"optimizer": "lbfgs"}, "CR204"),
        ({"space": {"optimizer": ["adam", "lbfgs"]}}, "CR204"),
        ({"space": {"loss": ["mse"]}}, "CR203: unknown setting to search"),
        ({"space": {"activation": "relu"}}, "CR202"),
        ({"space": {"activation": []}}, "CR202"),
        ({"space": {"activation": ["rellu"]}}, "CR203"),
        ({"space": {"dropout": [0.5, 1.5]}}, "CR201"),
        ({"space": {"learning_rate": LogUniform(0.1, 1.0)}, "learning_rate": 0.1}, "CR204"),
        ({"space": {}}, "CR202"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_the_data_are_read(settings, part):
    with pytest.raises(SettingError, match=part):
        tune("there-is-no-such-file.csv", "y", **settings)


def test_every_choice_of_the_default_space_can_be_trained(tmp_path):
    table, targets = read_examples(product(), "y")
    job = job_for(table, targets, {"epochs": 1, "test": 0.2}, None, tmp_path)
    for name, values in SPACE.items():
        for value in (values.at(0.0), values.at(0.5)) if hasattr(values, "at") else values:
            result = run_trial(job, Task(0, {name: value}, 1), None)
            assert result.stopped == "epochs", (name, value, result.why)
            (tmp_path / "0.snapshot").unlink()


def test_a_draw_depends_on_the_seed_the_number_and_the_name_alone():
    small = {"dropout": SPACE["dropout"], "learning_rate": SPACE["learning_rate"]}
    for number in (1, 2, 30):
        everything = draw(SPACE, 7, number)
        assert draw(small, 7, number) == {name: everything[name] for name in small}
    assert draw(SPACE, 7, 1) != draw(SPACE, 8, 1)
    assert json.loads(json.dumps(draw(SPACE, 7, 3))) == draw(SPACE, 7, 3)


def test_settings_that_cannot_travel_to_another_process_are_refused_with_a_way_out(tmp_path):
    table, targets = read_examples(product(), "y")
    job = job_for(table, targets, {"epochs": 1, "test": 0.2}, None, tmp_path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(lambda: None)
    stuck = replace(job, settings={**job.settings, "class_weight": lambda: None})
    with pytest.raises(SettingError, match="CR202.*n_jobs=1"), evaluator(stuck, 2):
        pass

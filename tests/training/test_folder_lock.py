"""Two processes never write in one run's folder, and a killed one never blocks it."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from chainrule.errors import ModelFileError
from chainrule.training import lock as module
from chainrule.training.lock import folder_lock

HOLD = """
import sys, time
from chainrule.training.lock import folder_lock
with folder_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refusal(folder):
    with pytest.raises(ModelFileError) as caught, folder_lock(folder):
        pytest.fail("the folder was given away twice")
    return caught.value


def test_a_folder_held_by_another_process_is_refused_with_its_number_and_host(tmp_path, holder):
    error = refusal(tmp_path)
    assert error.code == "CR510"
    assert error.got == f"process {holder.pid} on {socket.gethostname()}"
    assert str(tmp_path) in error.where


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.listdir(tmp_path) == [".lock"]
    with folder_lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"process {os.getpid()} on {socket.gethostname()}\n"
    assert os.listdir(tmp_path) == []


def test_a_lock_file_that_names_a_living_process_but_is_held_by_none_is_taken_over(tmp_path):
    (tmp_path / ".lock").write_text("process 1 on a host whose name is longer than the one that comes after it\n")
    with folder_lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"process {os.getpid()} on {socket.gethostname()}\n"


def test_a_folder_is_free_again_after_the_block_also_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), folder_lock(tmp_path):
        raise RuntimeError
    with folder_lock(tmp_path):
        assert refusal(tmp_path).code == "CR510"
    assert os.listdir(tmp_path) == []


def test_of_many_threads_one_at_a_time_holds_the_folder(tmp_path):
    inside, most, refused = [], [], []

    def work():
        for _ in range(200):
            try:
                with folder_lock(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except ModelFileError as error:
                refused.append(error.code)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert set(refused) <= {"CR510"}
    assert len(most) + len(refused) == 800


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    assert refusal(tmp_path / "missing").code == "CR507"


def test_without_locks_of_the_file_system_the_file_alone_counts_and_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "lock", lambda descriptor: None)
    with folder_lock(tmp_path):
        error = refusal(tmp_path)
        assert error.code == "CR510"
        assert f"remove {tmp_path}/.lock" in error.hint
    with folder_lock(tmp_path):
        pass
    assert os.listdir(tmp_path) == []

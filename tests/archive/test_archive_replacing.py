"""Whatever happens while a file is saved, what was there before stays whole until the new one is."""

import errno
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from chainrule.archive import check_writable, make_folder, read, replace_file, write
from chainrule.archive import replacing as module
from chainrule.errors import ModelFileError

KILLS = """
import os, random, signal, sys, time
import numpy as np
from chainrule.archive import read, write
from chainrule.archive.replacing import _SUFFIX

folder, path = sys.argv[1], sys.argv[1] + "/killed.model"
def content(n):
    return {"W1": np.full(100_000 + n % 7, n, "float64")}
write(path, {"n": 0}, content(0))
chance = random.Random(5)
left = most = 0
seen = set()
for _ in range(30):
    child = os.fork()
    if child == 0:
        n = 0
        while True:
            n += 1
            write(path, {"n": n}, content(n))
    time.sleep(chance.uniform(0.001, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    header, tensors = read(path)
    assert tensors["W1"].tobytes() == content(header["n"])["W1"].tobytes()
    seen.add(header["n"])
    abandoned = sum(name.endswith(_SUFFIX) for name in os.listdir(folder))
    left += abandoned > 0
    most = max(most, abandoned)
write(path, {"n": 0}, content(0))
print(left, most, len(seen), os.listdir(folder))
"""


def refusal(call, *arguments):
    with pytest.raises(ModelFileError) as caught:
        call(*arguments)
    return caught.value


@pytest.fixture
def path(tmp_path):
    """A saved model that every accident must leave as it is."""
    place = tmp_path / "m.model"
    write(place, {"which": "old"}, {"W1": np.arange(5.0)})
    return place


def assert_old_is_whole(path):
    assert read(path)[0] == {"which": "old"}
    assert os.listdir(path.parent) == [path.name]


def test_thirty_kills_at_any_moment_leave_a_whole_file_and_no_litter(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLS, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    left, most, seen, names = done.stdout.split(maxsplit=3)
    assert int(left) > 0, "no kill hit a write: the test shows nothing"
    assert int(most) == 1
    assert int(seen) > 1
    assert names.strip() == "['killed.model']"


def test_a_file_size_limit_in_the_middle_of_a_save_leaves_the_old_file_and_no_litter(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        error = refusal(write, path, {"which": "new"}, {"W1": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.code == "CR508"
    assert int(error.expected.split()[0]) > 800_000
    assert "File too large" in error.got
    assert_old_is_whole(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_error_of_the_disk_at_any_step_leaves_the_old_file_and_no_litter(path, monkeypatch, step, number):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    error = refusal(write, path, {"which": "new"}, {"W1": np.zeros(3)})
    monkeypatch.undo()
    assert error.code == ("CR507" if number == errno.EIO else "CR508")
    assert os.strerror(number) in error.got
    assert_old_is_whole(path)


def test_an_interrupt_in_the_middle_of_a_save_leaves_the_old_file_and_no_litter(path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(path, {"which": "new"}, {})
    monkeypatch.undo()
    assert_old_is_whole(path)


def test_room_is_checked_before_anything_is_written_and_both_numbers_are_told(path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**6, 10**6 - 1234, 1234)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(module, "_open_temporary", lambda folder: pytest.fail("a file was opened"))
    for call, arguments in [(write, ({}, {"W1": np.zeros(1000)})), (check_writable, (8000,))]:
        error = refusal(call, path, *arguments)
        assert error.code == "CR508"
        assert int(error.expected.split()[0]) >= 8000
        assert "1234 bytes free" in error.got
    assert_old_is_whole(path)


@pytest.mark.parametrize("call", [check_writable, lambda path: write(path, {}, {})])
def test_places_that_cannot_be_written_to_are_told_before_and_at_the_save(tmp_path, call):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    os.symlink(tmp_path / "ring", tmp_path / "ring")
    places = [
        ("no/such/folder/m", "CR507"),
        ("file/m", "CR507"),
        ("", "CR317"),
        ("pipe", "CR507"),
        ("ring", "CR507"),
        ("n" * 300, "CR507"),
        ("nul\0", "CR507"),
    ]
    before = sorted(os.listdir(tmp_path))
    for name, code in places:
        assert refusal(call, f"{tmp_path}/{name}").code == code, name
    assert refusal(call, "/dev/null").code == "CR507"
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("call", [check_writable, lambda path: write(path, {}, {})])
def test_a_read_only_folder_or_file_is_told_before_and_at_the_save(call):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        path = Path(folder) / "m.model"
        write(path, {"which": "old"}, {})
        os.chmod(folder, 0o777)
        for place, mode in [(path, 0o444), (path.parent, 0o555)]:
            usual = place.stat().st_mode
            place.chmod(mode)
            if os.getuid() == 0:
                os.seteuid(65534)  # nobody: root may write everywhere
            try:
                error = refusal(call, path)
            finally:
                os.seteuid(os.getuid())
                place.chmod(usual)
            assert error.code == "CR507"
            assert error.got == "Permission denied"
        assert_old_is_whole(path)


def test_a_file_where_a_folder_should_be_is_told(path):
    path.write_bytes(b"a file")
    for place in (path, path / "deeper"):
        with pytest.raises(ModelFileError, match="CR507: the folder cannot be made") as caught:
            make_folder(place)
        assert str(place) in str(caught.value)
    assert path.read_bytes() == b"a file"
    make_folder(path.parent / "a" / "b")
    make_folder(path.parent / "a" / "b")
    assert (path.parent / "a" / "b").is_dir()


def test_checking_a_place_changes_nothing(path):
    before = path.stat()
    check_writable(path)
    check_writable(path.parent / "another.model", 1000)
    assert path.stat() == before
    assert_old_is_whole(path)


def test_a_new_file_follows_the_umask_and_a_replaced_one_keeps_its_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "m", {}, {})
        assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640
        (tmp_path / "m").chmod(0o604)
        write(tmp_path / "m", {"a": 1}, {})
        assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_a_link_stays_a_link_and_its_target_is_replaced(path):
    link = path.parent / "link"
    link.symlink_to(path)
    write(link, {"which": "new"}, {})
    assert link.is_symlink()
    assert read(path)[0] == {"which": "new"}


def test_a_reader_who_opened_the_old_file_still_reads_the_old_one(path):
    before = path.read_bytes()
    with open(path, "rb") as file:
        write(path, {"which": "new"}, {"W1": np.zeros(1000)})
        assert file.read() == before


def test_writers_at_the_same_time_each_write_a_whole_file(tmp_path):
    path = tmp_path / "m.model"
    failures = []

    def save_often(n):
        try:
            for _ in range(15):
                write(path, {"n": n}, {"W1": np.full(20_000 + n, n, "float32")})
                header, tensors = read(path)
                assert tensors["W1"].shape == (20_000 + header["n"],)
                assert (tensors["W1"] == header["n"]).all()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=save_often, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(tmp_path) == ["m.model"]


def test_the_temporary_file_of_a_living_writer_is_left_alone(tmp_path):
    descriptor, temporary = module._open_temporary(str(tmp_path))
    write(tmp_path / "m", {}, {})
    assert os.path.exists(temporary)
    os.close(descriptor)
    write(tmp_path / "m", {}, {})
    assert os.listdir(tmp_path) == ["m"]


def test_without_locks_of_the_file_system_saving_works_and_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "lock", lambda descriptor: None)
    (tmp_path / f".other{module._SUFFIX}").write_text("perhaps another writer's")
    write(tmp_path / "m", {"a": 1}, {})
    assert read(tmp_path / "m")[0] == {"a": 1}
    assert len(os.listdir(tmp_path)) == 2


def test_any_bytes_can_replace_a_file(tmp_path):
    replace_file(tmp_path / "run.json", [b'{"a":', memoryview(b"1}"), b""])
    assert (tmp_path / "run.json").read_bytes() == b'{"a":1}'


def test_a_path_in_the_present_folder_needs_no_folder_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable("m")
    write("m", {}, {})
    assert os.listdir() == ["m"]

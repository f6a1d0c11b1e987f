"""Jobs in threads of their own: results in order, events heard one at a time by the caller, and everybody stops together."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from chainrule.training.side_by_side import rounds, side_by_side


def telling(number, events=3, seconds=0.0):
    """A job that tells so many events and gives its number and how many it told before it was stopped."""

    def job(tell):
        for told in range(1, events + 1):
            time.sleep(seconds)
            if tell(told):
                return number, told
        return number, events

    return job


def threads_of_jobs():
    return [thread for thread in threading.enumerate() if thread.name.startswith("chainrule job")]


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = signal.getsignal(signal.SIGINT)
    yield
    assert threads_of_jobs() == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("at_once", [1, 2, 3, 9])
def test_results_are_in_the_order_of_the_jobs_whoever_is_done_first(at_once):
    jobs = [telling(number, seconds=0.002 * (5 - number)) for number in range(5)]
    assert side_by_side(jobs, min(at_once, 5), lambda number, event: False) == [(number, 3) for number in range(5)]


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_so_many_jobs_are_at_work_and_never_more(at_once):
    working, most, meeting = [], [], threading.Barrier(at_once)

    def job(tell):
        working.append(1)
        meeting.wait(timeout=30)  # broken unless so many are at work
        most.append(len(working))
        meeting.wait(timeout=30)
        working.pop()

    side_by_side([job] * 2 * at_once, at_once, lambda number, event: False)
    assert max(most) == at_once


@pytest.mark.parametrize("at_once", [1, 3])
def test_events_are_heard_one_at_a_time_in_the_caller_s_thread(at_once):
    heard, inside = [], []

    def hear(number, event):
        inside.append(1)
        time.sleep(0.001)
        heard.append((number, event, threading.current_thread()))
        assert len(inside) == 1
        inside.pop()
        return False

    side_by_side([telling(number, events=5) for number in range(4)], at_once, hear)
    assert {thread for _, _, thread in heard} == {threading.current_thread()}
    for number in range(4):
        assert [event for who, event, _ in heard if who == number] == [1, 2, 3, 4, 5]


def test_a_job_waits_until_its_event_was_heard():
    state = {}

    def job(tell):
        state["value"] = "told"
        tell(None)
        state["value"] = "gone on"

    def hear(number, event):
        time.sleep(0.01)
        assert state["value"] == "told"
        return False

    side_by_side([job, telling(1, 0)], 2, hear)


@pytest.mark.parametrize("at_once", [1, 2])
def test_when_the_listener_asks_to_stop_all_stop_and_none_begins(at_once):
    heard = []

    def hear(number, event):
        heard.append(number)
        return len(heard) == 3

    found = side_by_side([telling(number, events=1000) for number in range(6)], at_once, hear)
    assert [number for number, _ in found] == list(range(at_once))
    assert len(heard) == 3
    assert all(told < 1000 for _, told in found)


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_a_job_raises_is_raised_in_the_caller_s_thread(at_once):
    stopped = []

    def failing(tell):
        tell("about to")
        raise ValueError("job 0")

    def long(tell):
        while not tell("on and on"):
            time.sleep(0.001)
        stopped.append(True)

    with pytest.raises(ValueError, match="job 0"):
        side_by_side([failing, long, long], at_once, lambda number, event: False)
    assert len(stopped) == at_once - 1


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_the_listener_raises_stops_all_jobs(at_once):
    def hear(number, event):
        raise KeyError("listener")

    with pytest.raises(KeyError, match="listener"):
        side_by_side([telling(number, events=10**6) for number in range(3)], at_once, hear)


@pytest.mark.parametrize("at_once", [1, 2])
def test_control_c_stops_all_jobs_and_keeps_their_results(at_once):
    heard = []

    def hear(number, event):
        heard.append(number)
        if len(heard) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return False

    found = side_by_side([telling(number, events=10**6) for number in range(4)], at_once, hear)
    assert [number for number, _ in found] == list(range(at_once))


def test_a_second_control_c_is_raised_though_the_listener_is_at_work():
    def hear(number, event):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        side_by_side([telling(number, events=10**6) for number in range(3)], 2, hear)


def test_jobs_compute_under_the_caller_s_error_state():
    def job(tell):
        return np.geterr()["over"]

    with np.errstate(over="raise"):
        assert side_by_side([job, job], 2, lambda number, event: False) == ["raise", "raise"]


@pytest.mark.parametrize("threads", range(1, 20))
@pytest.mark.parametrize("jobs", range(1, 14))
def test_rounds_hold_every_job_once_and_no_more_threads_than_there_are(jobs, threads):
    found = rounds(jobs, threads)
    assert sum(one.jobs for one in found) == jobs
    assert all(one.threads >= 1 and one.jobs * one.threads <= threads for one in found)
    assert all((one.threads + 1) * one.jobs > threads for one in found)  # and none idle that could help everybody
    assert all(one.jobs >= found[-1].jobs for one in found)

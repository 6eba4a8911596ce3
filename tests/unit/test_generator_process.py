"""What is repeated of the SDK's messages, and how its job is watched."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from schemasynth.generator.names import TableNames
from schemasynth.generator.process import logged_reason, scrubbed
from schemasynth.generator.worker import Channel, JobFailed, LocalJobs, follow

NAMES = (TableNames("customer", "t0000", (("id", "c0000"), ("born", "c0001"))),)


def test_values_are_taken_out_of_messages_and_names_put_back():
    message = "ValueError: cannot convert 'Maria \"M\" Roca'\n in column `c0001` of 't0000'"
    assert (
        scrubbed(message, NAMES) == "ValueError: cannot convert '…' in column `born` of 'customer'"
    )


def test_long_messages_are_cut():
    assert len(scrubbed("x" * 9_999, NAMES)) == 400


def test_the_reason_is_the_last_exception_of_the_log(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(
        "Traceback (most recent call last):\n"
        '  File "a.py", line 1, in f\n'
        "    g(secret)\n"
        "KeyError: 'first'\n"
        "\n"
        "Traceback (most recent call last):\n"
        '  File "b.py", line 1, in g\n'
        "    raise\n"
        "torch.OutOfMemoryError: column c0001\n"
        "some later line\n"
    )
    assert logged_reason(log, NAMES) == "torch.OutOfMemoryError: column born"


def test_a_log_without_exception_gives_no_reason(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("12 rows of Maria\n")
    assert logged_reason(log, NAMES) == ""


def job(status):
    return SimpleNamespace(
        status=SimpleNamespace(value=status),
        steps=[],
        progress=SimpleNamespace(value=0, max=1),
    )


class Events:
    def __init__(self):
        self.lines = []

    def write(self, text):
        self.lines.append(text)

    def flush(self):
        pass


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        ("import sys; sys.exit(3)", "ended with status 3"),
    ],
)
def test_a_job_that_dies_while_it_says_in_progress_is_noticed(program, said):
    jobs = LocalJobs()
    with subprocess.Popen([sys.executable, "-c", program]), pytest.raises(JobFailed, match=said):
        follow(lambda: job("IN_PROGRESS"), jobs, Channel(Events()), "training")


def test_a_job_that_is_done_before_its_process_was_seen_to_end_is_done():
    follow(lambda: job("DONE"), LocalJobs(), Channel(Events()), "training")


def test_a_failed_job_is_told():
    jobs = LocalJobs()
    with pytest.raises(JobFailed, match="training failed"):
        follow(lambda: job("FAILED"), jobs, Channel(Events()), "training")


def test_polls_may_fail_for_a_while():
    answers = iter([OSError(), ValueError(), job("DONE")])

    def poll():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    follow(poll, LocalJobs(), Channel(Events()), "training")

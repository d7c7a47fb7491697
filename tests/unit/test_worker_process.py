"""The network's process: it can be killed, it can die, and the application lives on."""

import multiprocessing
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop_app.errors import Cancelled, DeviceError, InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.child import Warmth, load_network
from desktop_app.jobs.worker import ModelWorker, WorkerDefect, WorkerState
from model.errors import DeviceFailure
from model.inference import Segmenter
from model.messages import BrainRequest, InferenceRequest


@pytest.fixture
def fakes(monkeypatch):
    # On the path, so that the spawned process finds the module too.
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import worker_fakes

    return worker_fakes


@pytest.fixture
def worker(fakes):
    worker = ModelWorker(Path(), factory=fakes.obedient)
    yield worker
    worker.close()


def request(what: str) -> InferenceRequest:
    image = np.zeros((4, 6, 7, 8), dtype=np.float32)
    image[:, 2:4, 3:6, 1:8] = 5.0
    return InferenceRequest(image, (True, True, True, True), Path(), model_name=what)


def after_start(event: threading.Event):
    return lambda fraction, _stage: fraction > 0 and event.set()


def test_a_result_comes_back_on_the_grid_asked_for(worker):
    seen = []
    result = worker.segment(request("go"), progress=lambda f, stage: seen.append((f, stage)))
    assert result.labels_kji.shape == (6, 7, 8)
    assert result.probabilities_ckji.shape == (3, 6, 7, 8)
    assert np.array_equal(result.labels_kji != 0, request("").image_ckji[0] != 0)
    assert not result.labels_kji.flags.writeable
    assert seen == [(0.0, "Loading the network"), (0.5, "Segmenting")]


def wait_for(worker: ModelWorker, state: WorkerState) -> None:
    end = time.monotonic() + 60
    while worker.state is not state:
        assert time.monotonic() < end, worker.state
        time.sleep(0.02)


def test_it_tells_when_the_network_is_loaded(worker):
    assert worker.state is WorkerState.ABSENT
    worker.warm()
    wait_for(worker, WorkerState.READY)
    assert worker.segment(request("go")).model_id == str(worker.pid)
    assert worker.state is WorkerState.READY


def test_while_it_loads_it_is_not_ready(fakes):
    worker = ModelWorker(Path(), factory=fakes.slow_start)
    worker.warm()
    assert worker.state is WorkerState.LOADING
    worker.close()


def test_a_network_that_cannot_be_loaded_is_told_with_the_study(fakes):
    worker = ModelWorker(Path(), factory=fakes.failing_start)
    worker.warm()
    wait_for(worker, WorkerState.ABSENT)
    with pytest.raises(DeviceError, match="no device at all"):
        worker.segment(request("go"))
    worker.close()


def test_a_warm_process_is_used_again(worker):
    worker.warm()
    pid = worker.pid
    worker.warm()
    assert worker.segment(request("go")).model_id == str(pid)
    assert worker.segment(request("go")).model_id == str(pid)


def test_cancel_kills_within_half_a_second(worker):
    token = CancelToken()
    running = threading.Event()
    stopped_at = []

    def work():
        with pytest.raises(Cancelled):
            worker.segment(request("sleep"), progress=after_start(running), token=token)
        stopped_at.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(30)
    pid = worker.pid
    cancelled_at = time.monotonic()
    token.cancel()
    thread.join(30)
    assert stopped_at[0] - cancelled_at < 0.5
    assert not psutil.pid_exists(pid)
    assert worker.segment(request("go")).model_id != str(pid)


def test_cancelled_before_it_starts_nothing_is_spawned(worker):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        worker.segment(request("go"), token=token)
    assert worker.pid is None


def test_cancelled_while_waiting_for_another_study(worker):
    first, second = CancelToken(), CancelToken()
    running = threading.Event()

    def occupy():
        with pytest.raises(Cancelled):
            worker.segment(request("sleep"), progress=after_start(running), token=first)

    thread = threading.Thread(target=occupy)
    thread.start()
    assert running.wait(30)
    pid = worker.pid
    second.cancel()
    with pytest.raises(Cancelled):
        worker.segment(request("go"), token=second)
    assert worker.pid == pid
    first.cancel()
    thread.join(30)


def test_a_crash_is_a_device_error_and_the_next_study_runs(worker):
    with pytest.raises(DeviceError) as caught:
        worker.segment(request("exit"))
    assert "code 7" in caught.value.detail
    assert caught.value.remedy
    assert worker.segment(request("go")).labels_kji.any()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_kill_by_the_system_speaks_of_memory(worker):
    with pytest.raises(DeviceError) as caught:
        worker.segment(request("killed"))
    assert "memory" in caught.value.detail


def test_a_process_that_hangs_is_ended_and_one_that_is_slow_is_not(fakes):
    hasty = ModelWorker(Path(), factory=fakes.obedient, silence_seconds=2.5)
    with closing(hasty) as worker:
        worker.warm()
        wait_for(worker, WorkerState.READY)
        slow = worker.segment(request("slow"))
        with pytest.raises(DeviceError) as caught:
            worker.segment(request("sleep"))
        assert "no sign of life" in caught.value.detail
        assert slow.labels_kji.any()
        assert not psutil.pid_exists(int(slow.model_id))


def test_a_process_that_died_while_idle_is_replaced(worker):
    first = worker.segment(request("go")).model_id
    process = psutil.Process(int(first))
    process.kill()
    # Not psutil's view: a killed process is a zombie before its last thread has ended.
    while process.pid in [child.pid for child in multiprocessing.active_children()]:
        time.sleep(0.01)
    assert worker.segment(request("go")).model_id != first


@pytest.mark.parametrize(
    ("what", "word"), [("device", "cuda:7 is not there"), ("memory", "12 GB asked for")]
)
def test_expected_failures_keep_the_process(worker, what, word):
    pid = int(worker.segment(request("go")).model_id)
    with pytest.raises(DeviceError) as caught:
        worker.segment(request(what))
    assert caught.value.detail == word
    assert worker.pid == pid


def test_a_defect_carries_its_traceback(worker):
    with pytest.raises(WorkerDefect, match="ZeroDivisionError: a defect in the network"):
        worker.segment(request("defect"))


def test_an_image_without_brain_is_an_input_error(worker):
    image = np.zeros((4, 3, 3, 3), dtype=np.float32)
    with pytest.raises(InputError):
        worker.segment(InferenceRequest(image, (True,) * 4, Path()))
    assert worker.pid is None


def test_a_listener_that_fails_leaves_no_answer_behind(worker):
    def fail(_fraction, _stage):
        raise ValueError("a defect of the window")

    with pytest.raises(ValueError, match="of the window"):
        worker.segment(request("go"), progress=fail)
    assert worker.pid is None
    assert worker.segment(request("go")).labels_kji.any()


def test_a_start_that_fails_is_told_and_tried_again(fakes):
    worker = ModelWorker(Path(), factory=fakes.failing_start)
    for _ in range(2):
        with pytest.raises(DeviceError) as caught:
            worker.segment(request("go"))
        assert caught.value.detail == "no device at all"
    worker.close()


def test_a_process_that_dies_at_its_start(fakes):
    worker = ModelWorker(Path(), factory=fakes.dying_start)
    with pytest.raises(DeviceError) as caught:
        worker.segment(request("go"))
    assert "code 9" in caught.value.detail
    worker.close()


def test_the_process_starts_where_the_study_will_run(fakes):
    worker = ModelWorker(Path(), recycle_after=1, factory=fakes.telling)
    worker.warm("cpu", "fp32")
    asked = request("go")
    told = [worker.segment(replace(asked, device="cuda:1", precision="fp16")).model_id]
    told += [worker.segment(asked).model_id]
    assert told == ["cpu fp32", "cuda:1 fp16"]
    worker.close()


def test_the_network_is_loaded_anew_where_the_next_study_will_run(fakes):
    worker = ModelWorker(Path("weights"), factory=fakes.telling)
    try:
        worker.warm("auto", "auto")
        loading = worker.pid
        worker.warm("cuda:1", "fp16")
        assert worker.pid != loading
        assert not psutil.pid_exists(loading)
        wait_for(worker, WorkerState.READY)
        loaded = worker.pid
        worker.warm("cuda:1", "fp16")
        assert worker.pid == loaded
        answer = worker.segment(replace(request(""), device="cpu", precision="fp32"))
        assert answer.model_id == "cuda:1 fp16"
        worker.warm("cpu", "fp32")
        assert worker.pid == loaded
        worker.warm("auto", "auto")
        assert worker.pid != loaded
        assert worker.segment(request("")).model_id == "auto auto"
    finally:
        worker.close()


def test_a_failed_warm_up_is_met_by_the_study_itself(monkeypatch):
    seen = []

    def fail(_self, *folders, **where):
        seen.append((*folders, where))
        raise DeviceFailure("the graphics card is broken")

    monkeypatch.setattr(Segmenter, "warm", fail)
    monkeypatch.setattr(Segmenter, "segment", lambda _self, asked, progress: asked)
    handle = load_network(Warmth(Path("weights"), "cpu", "fp32"))
    assert seen == [(Path("weights"), {"device": "cpu", "precision": "fp32"})]
    asked = request("go")
    assert handle(asked, lambda *_: None) is asked


def test_the_process_is_replaced_after_some_studies(fakes):
    worker = ModelWorker(Path(), recycle_after=2, factory=fakes.obedient)
    pids = [worker.segment(request("go")).model_id for _ in range(3)]
    assert pids[0] == pids[1] != pids[2]
    assert not psutil.pid_exists(int(pids[0]))
    worker.close()


def test_closing_cancels_the_study_under_way(fakes):
    worker = ModelWorker(Path(), factory=fakes.obedient)
    running = threading.Event()
    outcome = []

    def work():
        try:
            worker.segment(request("sleep"), progress=after_start(running))
        except Cancelled as cancelled:
            outcome.append(cancelled)

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(30)
    pid = worker.pid
    worker.close()
    thread.join(30)
    assert len(outcome) == 1
    assert not psutil.pid_exists(pid)
    with pytest.raises(Cancelled):
        worker.segment(request("go"))


def test_closing_does_not_wait_for_a_network_that_still_loads(fakes):
    worker = ModelWorker(Path(), factory=fakes.slow_start)
    worker.warm()
    pid = worker.pid
    before = time.monotonic()
    worker.close()
    assert time.monotonic() - before < 0.5
    assert not psutil.pid_exists(pid)


def test_importing_the_worker_leaves_torch_out():
    import subprocess

    code = "import sys, desktop_app.jobs.worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def head(what: str = "brain") -> BrainRequest:
    return BrainRequest(np.full((2, 4, 5, 6), 3.0, np.float32), Path(), model_name=what)


def test_the_same_process_finds_brains(worker):
    found = worker.find_brain(head())
    assert (found.logits_nkji == 2.0).all()
    assert found.logits_nkji.shape == (2, 4, 5, 6)
    assert worker.segment(request("go")).model_id == found.model_id


def test_finding_brains_does_not_age_the_process(fakes):
    worker = ModelWorker(Path(), factory=fakes.obedient, recycle_after=2)
    pids = {worker.find_brain(head()).model_id for _ in range(3)}
    assert pids == {worker.segment(request("go")).model_id}
    worker.close()


def test_cancelling_the_search_for_the_brain_kills_the_process(worker):
    token = CancelToken()
    threading.Timer(0.5, token.cancel).start()
    with pytest.raises(Cancelled):
        worker.find_brain(head("sleep"), token=token)
    assert worker.find_brain(head()).logits_nkji.shape == (2, 4, 5, 6)

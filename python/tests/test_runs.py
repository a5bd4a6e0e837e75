"""Training from Python, and what a run's folder says."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy
import pytest

import scimix

from conftest import GENERATOR


def test_metrics_are_arrays(classifier_run):
    metrics = classifier_run.metrics
    assert {len(values) for values in metrics.values()} == {len(metrics["step"])}
    assert numpy.isfinite(metrics["learning_rate"][metrics["step"] == 4]).all()
    assert numpy.isnan(metrics["test_accuracy"]).sum() > 0
    assert classifier_run.config["steps"] == 6 and classifier_run.report.is_file()


def test_progress_is_what_is_logged(folder, tmp_path):
    seen = []
    run = scimix.train_generator({**GENERATOR, "dataset": "folder", "data-dir": folder, "out": tmp_path / "run"},
                                 on_progress=seen.append)
    assert [numbers["step"] for numbers in seen] == list(run.metrics["step"])
    assert all(len(numbers) > 1 for numbers in seen)


def test_none_is_the_default_of_a_setting(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {**GENERATOR, "dataset": "folder", "data-dir": folder, "guide": None}
    run = scimix.train_generator(config, out=None, image_cache=numpy.bool_(False))
    assert run.folder.parent.name == "runs" and not run.config["image-cache"]


def test_settings_that_are_none(folder):
    with pytest.raises(ValueError, match="only shows help"):
        scimix.train_generator(help=True)
    for count in (-1, 100000):
        with pytest.raises(ValueError, match=f"count: found {count}, expected 0 to 4096"):
            scimix.use_threads(count)


def test_an_exception_ends_the_run_which_can_go_on(folder, tmp_path):
    config = {**GENERATOR, "dataset": "folder", "data-dir": folder}

    def stop(numbers):
        raise RuntimeError(f"enough at {numbers['step']}")

    with pytest.raises(RuntimeError, match="enough at 2"):
        scimix.train_generator(config, out=tmp_path / "run", on_progress=stop)
    run = scimix.train_generator(resume=tmp_path / "run")
    assert run.metrics["step"][-1] == 4
    whole = scimix.train_generator(config, out=tmp_path / "whole")
    a, b = (scimix.Generator.load(r.folder, "cpu") for r in (run, whole))
    images = scimix.load_dataset("folder", folder, size=16).test.images
    numpy.testing.assert_array_equal(a.mix(images, images[::-1]), b.mix(images, images[::-1]))


def test_ctrl_c_writes_a_checkpoint(folder, tmp_path):
    code = f"""
        import signal, scimix
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        try:
            scimix.train_generator({GENERATOR!r}, dataset="folder", data_dir={str(folder)!r}, steps=1000000,
                                   out={str(tmp_path / "run")!r}, on_progress=lambda n: print(n["step"], flush=True))
        except KeyboardInterrupt as error:
            print("interrupted:", error)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("Python's own handler")
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline().strip() == "2"
    os.kill(child.pid, signal.SIGINT)
    rest = child.stdout.read()
    assert child.wait() == 0
    assert "interrupted: the run in" in rest and rest.splitlines()[-1] == "Python's own handler"
    assert list((tmp_path / "run" / "checkpoints").glob("*.safetensors"))


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun")
def test_one_process_trains_twice_under_mpirun(folder, tmp_path):
    code = f"""
        import scimix
        for name in ("first", "second"):
            scimix.train_generator({GENERATOR!r}, dataset="folder", data_dir={str(folder)!r}, device="cpu",
                                   out={str(tmp_path)!r} + "/" + name)
    """
    allowed = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    result = subprocess.run(["mpirun", "--oversubscribe", "-np", "2", sys.executable, "-c", textwrap.dedent(code)],
                            env=allowed, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for name in ("first", "second"):
        assert scimix.Run(tmp_path / name).metrics["step"][-1] == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stepps": 3}, "unknown option --stepps"),
        ({"steps": -1}, "--steps"),
        ({"dataset": "folder", "data_dir": "/nowhere"}, "/nowhere"),
    ],
)
def test_wrong_settings(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        scimix.train_classifier(settings, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_presets_are_found_without_their_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="/nowhere"):  # which is looked at when the preset was read
        scimix.train_generator("configs/generators/digits.toml", dataset="folder", data_dir="/nowhere")
    with pytest.raises(ValueError, match="configs/none.toml"):
        scimix.train_generator("configs/none.toml")


def test_no_run(tmp_path):
    with pytest.raises(ValueError, match="folder: no run"):
        scimix.Run(tmp_path)


def test_plot(classifier_run):
    pytest.importorskip("matplotlib").use("Agg")
    axes = classifier_run.plot("test_accuracy")
    assert axes.get_lines()[0].get_label() == "test_accuracy"
    with pytest.raises(ValueError, match="names: found 'accuracy'"):
        classifier_run.plot("accuracy")

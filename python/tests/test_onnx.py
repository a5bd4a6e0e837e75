"""Models that scimix_export writes, run by ONNX Runtime."""

import json
import subprocess
from pathlib import Path

import numpy
import pytest

import scimix

runtime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def session(program, tmp_path_factory):
    """Exports a run, and returns ONNX Runtime's session."""

    def make(run: scimix.Run, *options: str):
        out = tmp_path_factory.mktemp("onnx") / "model.onnx"
        program("scimix_export", run.folder, "--out", out, *options)
        return runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"])

    return make


def _input(pictures, kind):
    return pictures if kind == "u8" else (pictures / 255).astype(numpy.float32)


@pytest.mark.parametrize("kind", ["u8", "float"])
def test_classifier(session, classifier_run, pictures, kind):
    model = session(classifier_run, "--input", kind)
    expected = scimix.Classifier.load(classifier_run.folder, "cpu")(pictures)
    for count in (1, len(pictures)):
        logits, probabilities = model.run(None, {"image": _input(pictures[:count], kind)})
        numpy.testing.assert_allclose(logits, expected[:count], atol=1e-4)
        exponentials = numpy.exp(expected[:count])
        numpy.testing.assert_allclose(probabilities, exponentials / exponentials.sum(1, keepdims=True), atol=1e-4)
    metadata = model.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == ["lower", "upper"] and metadata["step"] == "6"


def test_generator(session, generator_run, pictures):
    model = session(generator_run, "--input", "float")
    floats = _input(pictures, "float")
    expected = scimix.Generator.load(generator_run.folder, "cpu").mix(floats, floats[::-1])
    for count in (1, len(pictures)):
        (hybrids,) = model.run(None, {"content": floats[:count], "scene": floats[::-1][:count]})
        numpy.testing.assert_allclose(hybrids, expected[:count], atol=1e-4)
    assert expected.std() > 0.01  # the images are no constant


def test_generator_of_bytes(session, generator_run, pictures):
    (hybrids,) = session(generator_run).run(None, {"content": pictures, "scene": pictures[::-1]})
    expected = scimix.Generator.load(generator_run.folder, "cpu").mix(pictures, pictures[::-1])
    assert hybrids.dtype == numpy.uint8
    assert numpy.abs(hybrids.astype(int) - expected).max() <= 1


def test_structural_codes(session, folder, tmp_path, pictures):
    from conftest import GENERATOR

    run = scimix.train_generator(
        {**GENERATOR, "variant": "structural-zc", "dataset": "folder", "data-dir": folder, "out": tmp_path / "run"}
    )
    floats = _input(pictures, "float")
    expected = scimix.Generator.load(run.folder, "cpu").mix(floats, floats[::-1])
    (hybrids,) = session(run, "--input", "float").run(None, {"content": floats, "scene": floats[::-1]})
    numpy.testing.assert_allclose(hybrids, expected, atol=1e-4)


def test_own_classifier_of_a_generator(session, generator_run, pictures):
    logits, _ = session(generator_run, "--part", "classifier").run(None, {"image": pictures})
    numpy.testing.assert_allclose(logits, scimix.Classifier.load(generator_run.folder, "cpu")(pictures), atol=1e-4)


def test_the_model_is_valid(program, classifier_run, tmp_path):
    onnx = pytest.importorskip("onnx")
    program("scimix_export", classifier_run.folder, "--out", tmp_path / "model.onnx")
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "exists, expected the name of a new file"),
        (("--input", "f16"), "--input f16: expected u8 or float"),
        (("--part", "generator"), "--part generator: "),
    ],
)
def test_mistakes(program, classifier_run, tmp_path, options, message):
    out = Path(tmp_path / "model.onnx")
    if not options:
        out.write_bytes(b"kept")
    with pytest.raises(subprocess.CalledProcessError) as error:
        program("scimix_export", classifier_run.folder, "--out", out, *options)
    assert error.value.returncode == 2
    assert message in error.value.stderr and error.value.stderr.count("\n") == 1
    assert out.read_bytes() == b"kept" if not options else not out.exists()

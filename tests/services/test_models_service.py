"""Weights on this computer: found, verified, installed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from desktop_app import cli
from desktop_app.errors import ExitCode, InputError, UsageError
from desktop_app.paths import USER_DATA_VARIABLE
from desktop_app.services.models import ModelStore, require_tumour_model, verify
from model.architectures import CARD_SCHEMA


def write_model(folder: Path, name: str, value: float = 1.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{name}.safetensors"
    save_file({"kernel": np.full(3, value, np.float32)}, weights)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    card = {
        "schema": CARD_SCHEMA,
        "architecture": "UNETRpp",
        "sha256": sha256,
        "parameters": 3,
    }
    (folder / f"{name}.json").write_text(json.dumps(card))
    return weights


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    write_model(tmp_path / "bundled", "slim")
    return ModelStore(tmp_path / "bundled", tmp_path / "user" / "weights")


def test_bundled_and_installed_models_are_listed(store: ModelStore, tmp_path: Path) -> None:
    store.install(write_model(tmp_path / "new", "other", 2.0))
    entries = store.entries()
    assert [(entry.name, entry.bundled) for entry in entries] == [("slim", True), ("other", False)]
    assert entries[1].folder == tmp_path / "user" / "weights"
    assert store.find("other").card["parameters"] == 3
    verify(store.find("other"))


def test_an_unknown_model_is_refused_with_the_known_ones(store: ModelStore) -> None:
    with pytest.raises(UsageError, match="nnunet") as refused:
        store.find("nnunet")
    assert "slim" in refused.value.detail


def test_a_stray_file_among_the_users_weights_spoils_no_other_model(
    store: ModelStore, tmp_path: Path
) -> None:
    installed = store.install(write_model(tmp_path / "new", "other", 2.0))
    (installed.folder / "mine.safetensors").touch()
    assert [store.find(name).name for name in ("slim", "other")] == ["slim", "other"]
    assert [one.name for one in store.entries()] == ["slim", "other"]
    assert [one.name for one in store.for_tumours()] == ["slim", "other"]
    (told,) = store.unusable()
    assert "mine.safetensors" in told.detail
    with pytest.raises(InputError, match="cannot be used"):
        store.find("mine")
    with pytest.raises(UsageError, match="no model named") as refused:
        store.find("../weights/other")
    assert "Installed: slim, other." in refused.value.detail


def test_the_list_tells_which_files_are_no_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(USER_DATA_VARIABLE, str(tmp_path))
    stray = tmp_path / "weights" / "mine.safetensors"
    stray.parent.mkdir()
    stray.touch()
    commands = cli.Frontend(lambda *_: 0, lambda: None)
    assert cli.run(["model", "list"], commands) == ExitCode.DONE
    captured = capsys.readouterr()
    assert "slim_unetrpp" in captured.out
    assert str(stray) in captured.err
    assert cli.run(["model", "verify"], commands) == ExitCode.INPUT
    captured = capsys.readouterr()
    assert "slim_unetrpp: intact" in captured.out
    assert str(stray) in captured.err


def test_a_model_for_another_organ_is_listed_but_not_for_tumours(
    store: ModelStore, tmp_path: Path
) -> None:
    file = write_model(tmp_path / "new", "lung", 2.0)
    card = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps({**card, "task": {"name": "lung cancer"}}))
    entry = store.install(file)
    assert (entry.architecture, entry.other_task) == ("UNETR++", "lung cancer")
    assert [one.name for one in store.for_tumours()] == ["slim"]
    with pytest.raises(InputError, match="lung does not segment brain tumours") as refused:
        require_tumour_model(entry)
    assert "lung cancer" in refused.value.detail
    require_tumour_model(store.find("slim"))


def test_changed_weights_are_noticed(store: ModelStore) -> None:
    entry = store.find("slim")
    with entry.weights.open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="cannot be used"):
        verify(entry)


def test_installing_the_same_model_again_changes_nothing(store: ModelStore, tmp_path: Path) -> None:
    new = write_model(tmp_path / "new", "other", 2.0)
    assert store.install(new).sha256 == store.install(new).sha256
    assert len(store.entries()) == 2


def test_a_name_that_is_taken_is_refused(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="slim"):
        store.install(write_model(tmp_path / "new", "slim", 2.0))


def pickled(file: Path) -> None:
    file.write_bytes(b"\x80\x02}q\x00.")
    card = json.loads(file.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    file.with_suffix(".json").write_text(json.dumps(card))


def without_card(file: Path) -> None:
    file.with_suffix(".json").unlink()


def other_card(file: Path) -> None:
    file.with_suffix(".json").write_text('["something else"]')


def unknown_architecture(file: Path) -> None:
    card = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps({**card, "architecture": "UNet"}))


def card_without_checksum(file: Path) -> None:
    file.with_suffix(".json").write_text(json.dumps({"schema": CARD_SCHEMA}))


def damaged(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def missing(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        pickled,
        without_card,
        other_card,
        unknown_architecture,
        card_without_checksum,
        damaged,
        missing,
    ],
)
def test_what_is_no_model_is_not_installed(
    store: ModelStore, tmp_path: Path, spoil: object
) -> None:
    new = write_model(tmp_path / "new", "other", 2.0)
    assert callable(spoil)
    spoil(new)
    with pytest.raises(InputError):
        store.install(new)
    assert len(store.entries()) == 1
    assert not (tmp_path / "user" / "weights").exists()

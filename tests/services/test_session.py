"""The window's store: what changes, who is told, and what comes too late."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.study import RoleProposal, Sequence
from desktop_app.services import session as session_module
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    LoadedChanged,
    ResultChanged,
    ResultCorrected,
    ResultSaved,
    RolesChanged,
    StudiesChanged,
    StudyChanged,
    TargetsChosen,
)
from tests.result_cases import make_result
from tests.study_cases import make_series, make_study, roles_of

STUDY = make_study()
FOLDER = Path("out/study")
RESULT = make_result(STUDY, np.zeros((4, 5, 6), np.uint8))


@pytest.fixture(autouse=True)
def _proposals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "choose_roles", lambda study, _: roles_of(study))


@pytest.fixture
def session() -> Session:
    session = Session()
    session.open_study(STUDY)
    return session


def listen(session: Session) -> list[Change]:
    told: list[Change] = []
    session.subscribe(told.append)
    return told


def loaded(session: Session) -> LoadedStudy:
    return LoadedStudy(dict(session.roles), {}, 1.0)


def test_opening_a_study_takes_the_proposals(session: Session) -> None:
    assert session.study is STUDY
    assert {s: series.series_uid for s, series in session.roles.items()} == {
        Sequence.T1C: "t1c",
        Sequence.FLAIR: "flair",
    }
    assert not session.chosen_by_user


def test_listeners_hear_of_a_new_study_then_of_its_roles(session: Session) -> None:
    told = listen(session)
    other = make_study(name="other")
    session.open_study(other)
    assert told == [StudyChanged(other), RolesChanged(session.roles)]


def test_new_studies_close_the_open_one(session: Session) -> None:
    told = listen(session)
    session.set_studies((STUDY,))
    assert session.study is None
    assert session.studies == (STUDY,)
    assert told[0] == StudiesChanged((STUDY,))


def test_a_result_of_the_present_question_is_taken(session: Session) -> None:
    told = listen(session)
    assert session.accept_loaded(loaded(session), session.generation)
    assert session.accept_result(RESULT, session.generation)
    assert session.result is RESULT
    assert not session.saved
    assert isinstance(told[0], LoadedChanged)
    assert told[1] == ResultChanged(RESULT, False)


def test_answers_to_an_older_question_are_dropped(session: Session) -> None:
    before = session.generation
    session.set_role(Sequence.FLAIR, None)
    told = listen(session)
    assert not session.accept_loaded(loaded(session), before)
    assert not session.accept_result(RESULT, before)
    assert session.loaded is None
    assert session.result is None
    assert told == []


def test_choosing_another_series_drops_what_was_found(session: Session) -> None:
    session.accept_loaded(loaded(session), session.generation)
    session.accept_result(RESULT, session.generation)
    session.set_role(Sequence.T2, "bad")
    assert session.loaded is None
    assert session.result is None
    assert session.saved
    assert session.chosen_by_user == {Sequence.T2}


def test_choosing_the_same_series_again_changes_nothing(session: Session) -> None:
    session.accept_result(RESULT, session.generation)
    told = listen(session)
    session.set_role(Sequence.T1C, "t1c")
    assert session.result is RESULT
    assert told == []


def test_series_named_by_their_pixels_join_those_chosen(session: Session) -> None:
    proposal = RoleProposal("t2", 0.5, "By its image.", by_pixels=True)
    series = (*STUDY.series, make_series("t2"))
    named = make_study(series=series, roles={**STUDY.roles, Sequence.T2: proposal})
    session.set_role(Sequence.FLAIR, None)
    generation = session.generation
    roles = {**session.roles, Sequence.T2: series[-1]}
    told = listen(session)
    assert session.accept_naming(named, LoadedStudy(roles, {}, 1.0), generation)
    assert session.study is named
    assert dict(session.roles) == roles
    assert session.chosen_by_user == {Sequence.FLAIR}
    assert session.loaded is not None
    assert [type(change) for change in told] == [RolesChanged, LoadedChanged]


def test_a_name_that_comes_after_the_users_choice_is_dropped(session: Session) -> None:
    generation, before = session.generation, session.study
    session.set_role(Sequence.T1C, "flair")
    assert not session.accept_naming(make_study(), loaded(session), generation)
    assert session.study is before


def test_a_series_serves_one_sequence_only(session: Session) -> None:
    session.set_role(Sequence.T1, "t1c")
    assert session.roles[Sequence.T1].series_uid == "t1c"
    assert Sequence.T1C not in session.roles


def test_series_are_exchanged_where_one_serves_already(session: Session) -> None:
    session.set_role(Sequence.T1C, "flair")
    assert {s: series.series_uid for s, series in session.roles.items()} == {
        Sequence.T1C: "flair",
        Sequence.FLAIR: "t1c",
    }
    assert session.chosen_by_user == {Sequence.T1C, Sequence.FLAIR}


def test_a_study_that_is_opened_again_stays_among_the_others(session: Session) -> None:
    other, again = make_study(study_uid="2"), make_study()
    session.set_studies((STUDY, other))
    session.replace_study(again)
    assert session.studies == (again, other)
    alone = make_study(study_uid="3")
    session.replace_study(alone)
    assert session.studies == (alone,)


def test_an_unknown_series_is_refused_and_nothing_changes(session: Session) -> None:
    before = dict(session.roles)
    with pytest.raises(KeyError):
        session.set_role(Sequence.T1C, "nowhere")
    assert session.roles == before


def test_without_a_study_there_is_nothing_to_choose() -> None:
    with pytest.raises(KeyError):
        Session().set_role(Sequence.T1, "t1c")


def test_roles_cannot_be_changed_from_outside(session: Session) -> None:
    with pytest.raises(TypeError):
        session.roles[Sequence.T1] = make_series("x")  # type: ignore[index]


def test_saving_is_told_once(session: Session) -> None:
    session.accept_result(RESULT, session.generation)
    told = listen(session)
    session.note_written(RESULT, FOLDER, session.lineage, holds_labels=True)
    session.note_written(RESULT, FOLDER, session.lineage, holds_labels=True)
    assert told == [ResultSaved(RESULT)]
    assert session.saved


def test_numbers_save_what_the_network_makes_again_and_no_corrections(session: Session) -> None:
    session.accept_result(RESULT, session.generation)
    session.note_written(RESULT, FOLDER, session.lineage, holds_labels=False)
    assert session.saved
    provenance = replace(RESULT.segmentation.provenance, edited=True)
    corrected = replace(RESULT, segmentation=replace(RESULT.segmentation, provenance=provenance))
    session.accept_correction(corrected)
    told = listen(session)
    session.note_written(corrected, FOLDER, session.lineage, holds_labels=False)
    assert not session.saved
    assert told == []
    assert session.written == {FOLDER: corrected}


def test_saving_an_old_result_does_not_mark_the_new_one(session: Session) -> None:
    other = make_result(STUDY, np.zeros((4, 5, 6), np.uint8))
    session.accept_result(other, session.generation)
    lineage = session.lineage
    session.accept_result(RESULT, session.generation)
    session.note_written(other, FOLDER, lineage, holds_labels=True)
    assert not session.saved
    assert session.written == {}


def test_a_folder_is_known_although_the_result_was_corrected_meanwhile(session: Session) -> None:
    session.accept_result(RESULT, session.generation)
    lineage = session.lineage
    session.accept_correction(make_result(STUDY, np.ones((4, 5, 6), np.uint8)))
    session.note_written(RESULT, FOLDER, lineage, holds_labels=True)
    assert session.written == {FOLDER: RESULT}
    assert not session.saved


def test_the_folder_written_last_is_known(session: Session) -> None:
    session.accept_result(RESULT, session.generation)
    for folder in (FOLDER, FOLDER / "two", FOLDER):
        session.note_written(RESULT, folder, session.lineage, holds_labels=True)
    assert list(session.written) == [FOLDER / "two", FOLDER]


def test_folders_are_known_until_another_result_is_found(session: Session) -> None:
    session.accept_result(RESULT, session.generation, saved_in=FOLDER)
    corrected = make_result(STUDY, np.ones((4, 5, 6), np.uint8))
    session.accept_correction(corrected)
    assert session.written == {FOLDER: RESULT}
    session.note_written(corrected, FOLDER / "two", session.lineage, holds_labels=True)
    assert session.written == {FOLDER: RESULT, FOLDER / "two": corrected}
    session.accept_result(corrected, session.generation)
    assert session.written == {}


def test_a_corrected_result_is_to_be_exported_again(session: Session) -> None:
    session.accept_result(RESULT, session.generation, saved_in=FOLDER)
    corrected = make_result(STUDY, np.ones((4, 5, 6), np.uint8))
    told = listen(session)
    session.accept_correction(corrected)
    assert not session.saved
    assert session.result is corrected
    session.accept_correction(RESULT)
    assert session.saved
    assert told == [ResultCorrected(corrected), ResultCorrected(RESULT)]


def test_without_a_result_nothing_is_corrected() -> None:
    with pytest.raises(RuntimeError, match="no result"):
        Session().accept_correction(RESULT)


def test_an_unsubscribed_listener_hears_nothing(session: Session) -> None:
    told: list[Change] = []
    stop = session.subscribe(told.append)
    stop()
    stop()
    session.open_study(None)
    assert told == []


def test_other_threads_are_turned_away(session: Session) -> None:
    refused: list[RuntimeError] = []

    def change() -> None:
        try:
            session.open_study(None)
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    thread.join()
    assert refused
    assert session.study is STUDY


def test_target_lesions_are_unsaved_until_they_are_exported(session: Session) -> None:
    session.accept_result(RESULT, session.generation, saved_in=FOLDER)
    told = listen(session)
    session.choose_targets((1, 2))
    session.choose_targets((1, 2))
    assert told == [TargetsChosen((1, 2))]
    assert not session.saved
    chosen = session.chosen
    assert chosen is not None
    assert (chosen.targets, chosen.segmentation) == ((1, 2), RESULT.segmentation)
    assert session.chosen is chosen
    session.note_written(chosen, FOLDER, session.lineage, holds_labels=True, holds_choices=False)
    assert not session.saved
    session.note_written(chosen, FOLDER, session.lineage, holds_labels=True)
    assert session.saved
    assert session.written == {FOLDER: chosen}
    session.choose_targets((2,))
    assert not session.saved
    session.choose_targets((1, 2))
    assert session.saved


def test_corrected_labels_that_are_exported_stay_so_when_targets_are_chosen(
    session: Session,
) -> None:
    provenance = replace(RESULT.segmentation.provenance, edited=True)
    corrected = replace(RESULT, segmentation=replace(RESULT.segmentation, provenance=provenance))
    session.accept_result(corrected, session.generation, saved_in=FOLDER)
    session.choose_targets((1,))
    assert (session.labels_saved, session.targets_saved) == (True, False)
    chosen = session.chosen
    assert chosen is not None
    session.note_written(chosen, FOLDER, session.lineage, holds_labels=False)
    assert session.saved


def test_targets_of_an_earlier_result_come_with_it(session: Session) -> None:
    earlier = replace(RESULT, targets=(2,))
    session.accept_result(earlier, session.generation, saved_in=FOLDER)
    assert session.targets == (2,)
    assert session.saved
    assert session.chosen is earlier
    session.choose_targets(())
    assert not session.saved
    assert session.chosen is not None
    assert session.chosen.targets == ()


def test_numbers_of_lesions_before_a_correction_are_void(session: Session) -> None:
    session.accept_result(RESULT, session.generation, saved_in=FOLDER)
    session.choose_targets((1,))
    session.accept_correction(make_result(STUDY, np.ones((4, 5, 6), np.uint8)))
    assert session.targets == ()
    session.accept_correction(RESULT)
    assert session.saved


def test_nothing_is_chosen_without_a_result(session: Session) -> None:
    session.choose_targets((1,))
    assert session.targets == ()
    session.accept_result(RESULT, session.generation)
    session.choose_targets((1,))
    session.open_study(STUDY)
    assert session.targets == ()
    assert session.saved

"""What a batch says of a study before it comes to it."""

from unittest.mock import patch

from desktop_app.domain.study import RoleProposal, Sequence, Study
from desktop_app.services.batch import outlook_of
from tests.study_cases import make_series, make_study


def with_sequences(*sequences: Sequence) -> Study:
    return make_study(
        series=tuple(make_series(one.value) for one in sequences),
        roles={one: RoleProposal(one.value, 0.9, "Named.") for one in sequences},
    )


def test_of_a_whole_study_there_is_nothing_to_say() -> None:
    found = outlook_of(with_sequences(*Sequence))
    assert (found.sentence, found.is_refused) == ("", False)


def test_missing_sequences_are_named() -> None:
    found = outlook_of(with_sequences(Sequence.T1C, Sequence.T2))
    assert found.sentence == "Without T1 and FLAIR: the result will be less certain."
    assert not found.is_refused


def test_too_few_sequences_are_refused_in_the_words_of_the_study_page() -> None:
    found = outlook_of(with_sequences(Sequence.T2, Sequence.T1))
    assert found.sentence.startswith("Cannot be segmented: that takes T1c or FLAIR")
    assert found.is_refused


def test_what_the_images_may_tell_is_not_refused() -> None:
    study = with_sequences()
    with patch("desktop_app.services.batch.outlook.can_name", return_value=True):
        found = outlook_of(study)
    assert "told apart by their images" in found.sentence
    assert not found.is_refused

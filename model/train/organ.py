"""A network of one's own organ at work: from a case's images to labels on the case's own grid."""

from dataclasses import dataclass

import torch

from model.data import Case
from model.errors import WeightsError
from model.spec import LabelArray
from model.train.config import StageConfig
from model.train.distributed import Share
from model.train.fingerprint import Fingerprint
from model.train.task import Task
from model.train.validation import Network, Validator
from model.weights import ModelCard


@dataclass(frozen=True, slots=True)
class OrganSegmenter:
    """Segments cases as the training of a network looked at those set aside.

    Attributes
    ----------
    network
        In evaluation mode, on the validator's device.
    fingerprint
        How images are prepared.
    validator
        Size and overlap of the windows, and what is found.
    """

    network: Network
    fingerprint: Fingerprint
    validator: Validator

    @classmethod
    def of(
        cls, network: torch.nn.Module, card: ModelCard, device: torch.device
    ) -> "OrganSegmenter":
        """Return what works as the card says.

        Raises
        ------
        WeightsError
            If the network is for brain tumours, or its card lacks what is needed.
        """
        validator = _validator(card, device)
        fingerprint = Fingerprint.from_document(card.task or {})
        return cls(network.to(device).eval(), fingerprint, validator)

    @property
    def task(self) -> Task:
        """What goes in and is found."""
        return self.validator.task

    def segment(self, case: Case) -> LabelArray:
        """Return the labels of a case on its own grid, ``(k, j, i)``.

        Raises
        ------
        CaseError
            If the image is zero throughout.
        """
        images_ckji, box = self.fingerprint.prepare_images(case)
        logits_ckji = self.validator.logits(self.network, images_ckji)[0]
        k, j, i = case.images_ckji.shape[1:]
        return self.fingerprint.labels_on(logits_ckji, box, (k, j, i))


def _validator(card: ModelCard, device: torch.device) -> Validator:
    if card.task is None:
        msg = (
            f"{card.name} is for brain tumours: gliascope segment works with it, "
            "python -m model.evaluate judges it"
        )
        raise WeightsError(msg)
    try:
        recipe = card.document["training"]["recipe"]
        stage = StageConfig(**recipe["stages"][-1])
        k, j, i = card.task["spacing_kji_mm"]
        task = Task(
            str(card.task["name"]),
            tuple(card.task["modalities"]),
            tuple(card.task["labels"]),
            exclusive=bool(card.task["exclusive"]),
            spacing_kji_mm=(float(k), float(j), float(i)),
        )
        overlap = float(recipe["validation"]["overlap"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        msg = f"{card.name}: its card does not say how it was trained: {error!r}"
        raise WeightsError(msg) from error
    if not task.exclusive:
        msg = f"{card.name}: what it finds may overlap, and one map of labels cannot say that"
        raise WeightsError(msg)
    return Validator(task, stage.shape, overlap, device, Share())

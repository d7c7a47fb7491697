"""What went wrong in the network, in the user's terms."""

from desktop_app.errors import DeviceError, InputError, UserFacingError
from model.errors import DeviceFailure, OutOfMemory, UnusableImage, WeightsError


def in_the_users_terms(exception: BaseException) -> UserFacingError | None:
    """Return what to tell the user; ``None`` for a defect of the program."""
    match exception:
        case UserFacingError():
            return exception
        case OutOfMemory() | MemoryError():
            return DeviceError(
                "There is not enough memory.",
                str(exception) or "Main memory is used up.",
                "Close other programs, or choose another device.",
            )
        case DeviceFailure():
            return DeviceError(
                "The device chosen cannot be used.",
                str(exception),
                "Choose another device, or leave the choice to the program.",
            )
        case UnusableImage():
            return InputError(
                "The image cannot be segmented.",
                str(exception),
                "Look at the four sequences and whether the brain was found in them.",
            )
        case WeightsError():
            return InputError(
                "The network's weights cannot be used.",
                str(exception),
                "Choose another model, or install this one again.",
            )
    return None

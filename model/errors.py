"""What can go wrong on a device; the application translates these for its user."""


class DeviceFailure(RuntimeError):
    """The device asked for is missing, or gives wrong answers or none."""


class OutOfMemory(DeviceFailure):
    """Neither the device nor the processor has room for the study."""


class UnusableImage(ValueError):
    """There is nothing in the image that the network could look at."""


class WeightsError(ValueError):
    """A weights file or card that cannot be used; the message names the file."""

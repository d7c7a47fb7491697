"""Whether everything works on this computer, from its settings folder to the results of a study."""

from desktop_app.services.selftest.checks import Check, Outcome
from desktop_app.services.selftest.run import SelfTestOptions, run_selftest

__all__ = ["Check", "Outcome", "SelfTestOptions", "run_selftest"]

"""What holds for all tests."""

from hypothesis import settings

# How long an example takes is not judged: a busy machine is no defect.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

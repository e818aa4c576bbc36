"""Coverage-guided fuzzing of splitting and conforming: ``python -m tests.fuzz``."""

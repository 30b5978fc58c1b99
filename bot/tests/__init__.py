"""Tests of the assistant: `.venv-bot/bin/python -m pytest -c bot/pytest.ini bot/tests`."""

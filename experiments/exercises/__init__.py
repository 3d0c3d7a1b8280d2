"""Exercises of the documentation's last notebook: what is asked there, and checks of what students answer."""

from experiments.exercises.checking import Verdict, check, exercises

__all__ = ["Verdict", "check", "exercises"]

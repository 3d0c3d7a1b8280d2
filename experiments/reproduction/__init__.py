"""The paper's experiments: all runs of a case, its figures and findings, and one report."""

"""The paper's tables and figures end to end: a plan, its times on this machine, and its runs."""

"""Runs one command and prints what it took as JSON. A small process of its own, run as a script.

A process starts out with the peak memory of the one that starts it, so a large one cannot measure a small one.
"""

import json
import os
import subprocess
import sys
import time

MIB = 2**20 if sys.platform == "darwin" else 2**10  # units of ru_maxrss in one MiB


def main() -> None:
    """Run the command in the arguments, its output thrown away; print exit code, seconds and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps({"exit_code": process.returncode, "seconds": seconds, "peak_mib": used.ru_maxrss / MIB}))


if __name__ == "__main__":
    main()

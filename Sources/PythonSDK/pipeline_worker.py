"""Starts a worker: `python -I -B -X utf8 pipeline_worker.py`.

The interpreter is isolated (-I), so this file's directory, which holds the
package `pipeline`, has to be put on the path.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    from pipeline.worker import leave, main

    leave(main(fd=3))

"""Appends rows to a Delta table with delta-rs until its standard input closes, and compacts the table now and then.

usage: race_writer.py TABLE FIRST_ID; prints the id of each row that was committed, one JSON line a commit.
"""

import json
import sys
import threading

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

table, next_id = sys.argv[1], int(sys.argv[2])
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()

commits = 0
while not stopped.is_set():
    ids = [next_id, next_id + 1]
    next_id += 2
    rows = pa.table({"id": pa.array(ids, pa.int64()), "name": pa.array(["delta-rs"] * 2, pa.string())})
    try:
        write_deltalake(table, rows, mode="append")
    except CommitFailedError:
        continue
    print(json.dumps(ids), flush=True)
    commits += 1
    if commits % 5 == 0:
        try:
            DeltaTable(table).optimize.compact()
        except CommitFailedError:
            pass  # Another writer removed what was to be compacted.
    stopped.wait(0.2)
print(json.dumps("end"), flush=True)
